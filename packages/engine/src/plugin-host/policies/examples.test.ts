import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { checkConfiguration, compileBodyChecks, parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PluginHost } from "../plugin-host.ts";
import { isPolicy, loadPolicy } from "./index.ts";

const quiet = (): void => undefined;

/** Creates with one of the policies in hookplugins/policies. */
async function creator(name: string, configuration?: object): Promise<(config: object) => Promise<ContainerCreateConfig>> {
  const file = new URL(`../../../../../hookplugins/policies/${name}.json`, import.meta.url);
  const packageJson: unknown = JSON.parse(readFileSync(file, "utf8"));
  assert.ok(isPolicy(packageJson));
  const manifest = parseManifest(packageJson);
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf: () => ({ debug: quiet, info: quiet, warn: quiet, error: quiet }),
    supervisorOf: () => ({ start: () => assert.fail("no assistants in this test") }),
    stateDirectoryOf: () => "/nowhere",
  });
  host.add(await loadPolicy(manifest, packageJson, checkConfiguration(manifest, configuration)));
  return (config) => host.preCreate(sampleContainerConfig(config), {});
}

test("the sample in docs/policies.md is the example", () => {
  const read = (path: string): string => readFileSync(new URL(`../../../../../${path}`, import.meta.url), "utf8");
  const [, name = "", text] = /<!-- file: (\S+) -->\n```json\n(.*?)```/s.exec(read("docs/policies.md")) ?? [];
  assert.equal(text, read(`hookplugins/${name}`));
});

test("images are of the registries that are allowed", async () => {
  const create = await creator("allowed-registries");
  await create({ Image: "registry.example.com/app:1" });
  await assert.rejects(create({ Image: "registry.example.com.evil.org/app" }), {
    kind: "forbidden",
    message:
      'plugin "allowed-registries" at container.validateCreate: image "registry.example.com.evil.org/app" is not of registry.example.com',
  });
  const configured = await creator("allowed-registries", { registries: ["quay.io/team", "ghcr.io"] });
  await configured({ Image: "ghcr.io/x/y" });
  await assert.rejects(configured({ Image: "busybox" }), /image "busybox" is not of quay\.io\/team or ghcr\.io/);
});

test("a container without a memory limit gets that of its tier", async () => {
  const create = await creator("default-limits");
  const memory = async (config: object): Promise<unknown> => (await create(config)).HostConfig.Memory;
  const mebibyte = 1024 * 1024;
  assert.equal(await memory({ Labels: { tier: "batch" } }), 1024 * mebibyte);
  assert.equal(await memory({ Labels: { tier: "web" }, HostConfig: { Memory: 0 } }), 512 * mebibyte);
  assert.equal(await memory({}), 128 * mebibyte);
  assert.equal(await memory({ Labels: { tier: "web" }, HostConfig: { Memory: 5 * mebibyte } }), 5 * mebibyte);
});

test("a container that shares a namespace with the host is refused", async () => {
  const create = await creator("no-host-namespaces");
  await create({ HostConfig: { NetworkMode: "bridge", IpcMode: "private" } });
  await assert.rejects(create({ HostConfig: { NetworkMode: "host", PidMode: "host" } }), {
    kind: "forbidden",
    message:
      'plugin "no-host-namespaces" at container.validateCreate: a container may not share namespaces with the host: NetworkMode, PidMode',
  });
});
