import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadBuiltinPlugins } from "./builtin-plugins.ts";
import { PluginHost } from "./plugin-host.ts";

test("a plugin that is compiled in may do what it asks for, and what the operator leaves of that", async () => {
  const quiet = (): void => undefined;
  const pouch = {
    api: "1",
    points: ["container.preCreate"],
    permissions: { fields: { "container.preCreate": ["Hostname", "User"] } },
  };
  const load = async (): Promise<void> =>
    registerContainerPlugin({ preCreate: (config) => void Object.assign(config, { Hostname: "h", User: "u" }) });
  const hostWith = async (left: string[] | undefined): Promise<PluginHost> => {
    const host = new PluginHost({
      checks: compileBodyChecks(),
      logOf: () => ({ debug: quiet, info: quiet, warn: quiet, error: quiet }),
      supervisorOf: () => ({ start: () => Promise.reject(new Error("none here")) }),
      stateDirectoryOf: () => "/nowhere",
    });
    await loadBuiltinPlugins({
      host,
      plugins: [{ packageJson: { name: "tool", version: "1.0.0", pouch }, load }],
      configurationOf: () => undefined,
      narrowedBy: () => (left === undefined ? undefined : { fields: { "container.preCreate": left } }),
      environment: {},
    });
    return host;
  };
  assert.equal((await (await hostWith(undefined)).preCreate(sampleContainerConfig(), {})).User, "u");
  await assert.rejects(
    (await hostWith(["Hostname"])).preCreate(sampleContainerConfig(), {}),
    /it changed User without a grant: the operator's permissions for it would need "User"/,
  );
});
