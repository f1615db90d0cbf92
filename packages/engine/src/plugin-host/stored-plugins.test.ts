import { compileBodyChecks } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Store, type Collection } from "../store/index.ts";
import { loadBuiltinPlugins } from "./builtin-plugins.ts";
import { PluginHost } from "./plugin-host.ts";
import type { PluginRecord } from "./plugin-record.ts";
import { StoredPlugins } from "./stored-plugins.ts";

const packageJson = (name: string): object => ({
  name,
  version: "1.0.0",
  pouch: { api: "1", points: ["daemon.preStartHook"] },
});

function storedRecords(t: TestContext): Collection<PluginRecord> {
  const home = mkdtempSync(join(tmpdir(), "sp-"));
  t.after(() => rmSync(home, { recursive: true }));
  const store = Store.open(join(home, "store.db"));
  t.after(() => store.close());
  return store.collection<PluginRecord>("plugins");
}

test("plugins of a daemon that is down are listed, disabled and enabled, built-in ones too, a manifest it refuses included", async (t) => {
  const records = storedRecords(t);
  const plugins = new StoredPlugins({ records, builtin: [{ packageJson: packageJson("built") }] });
  const installed = { directory: "/nowhere", installedAt: "2026-01-01T00:00:00Z" };
  await records.put("good", { name: "good", enabled: true, installed: { ...installed, packageJson: packageJson("good") } });
  await records.put("odd", { name: "odd", enabled: true, installed: { ...installed, packageJson: { version: "0.1.0" } } });
  const states = (): string[] =>
    plugins.list().map(({ name, origin, version, enabled }) => `${name} ${origin} ${version} ${enabled}`);

  assert.deepEqual(states(), ["built built-in 1.0.0 true", "good installed 1.0.0 true", "odd installed 0.1.0 true"]);
  for (const name of ["built", "good"]) await plugins.setEnabled(name, false);
  assert.deepEqual(states(), ["built built-in 1.0.0 false", "good installed 1.0.0 false", "odd installed 0.1.0 true"]);
  assert.deepEqual(records.get("good")?.installed?.directory, "/nowhere");
  await assert.rejects(plugins.setEnabled("good", false), /plugin good is already disabled/);
  await plugins.setEnabled("good", true);
  assert.equal(records.get("good")?.enabled, true);
  await assert.rejects(
    plugins.setEnabled("none", true),
    /"none" is neither installed nor compiled in \(there are: built, good, odd\)/,
  );
});

test("a policy of a daemon that is down is listed as one", async (t) => {
  const records = storedRecords(t);
  const policy = { ...packageJson("rules"), policy: { validations: [{ expression: "true" }] } };
  const installed = { packageJson: policy, directory: "/nowhere", installedAt: "2026-01-01T00:00:00Z" };
  await records.put("rules", { name: "rules", enabled: true, installed });
  const [rules] = new StoredPlugins({ records, builtin: [] }).list();
  assert.equal(rules?.origin, "policy");
});

test("a compiled-in plugin that cannot be loaded keeps the daemon down, unless it is one that may fail", async () => {
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf: () => assert.fail("nothing to log"),
    supervisorOf: () => assert.fail("no assistants"),
    stateDirectoryOf: () => "/nowhere",
  });
  const plugins = [{ packageJson: packageJson("built"), load: () => Promise.reject(new Error("rotten")) }];
  const options = { host, plugins, configurationOf: () => undefined, environment: {} };
  await assert.rejects(loadBuiltinPlugins(options), /plugin "built" could not be loaded: rotten/);
  await loadBuiltinPlugins({ ...options, mayFail: (name) => name === "built" });
  assert.equal(host.registry.get("built")?.name, "built");
});
