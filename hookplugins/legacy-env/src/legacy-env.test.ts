import { loadPlugin, sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

const directory = new URL("..", import.meta.url);

test("variables of the old scheduler become limits", async () => {
  const plugin = await loadPlugin(directory);
  const Env = [
    "LEGACY_MEM=64m",
    "LEGACY_CPU=1.5",
    "LEGACY_CPU_SHARES=512",
    "LEGACY_CPUSET=0-1",
    "LEGACY_PIDS=100",
    "LEGACY_MEM_SWAP=-1",
  ];
  const { config } = await plugin.call("container.preCreate", { config: sampleContainerConfig({ Env }) });
  assert.deepEqual(config.HostConfig, {
    Memory: 64 * 1024 * 1024,
    NanoCpus: 1_500_000_000,
    CpuShares: 512,
    CpusetCpus: "0-1",
    PidsLimit: 100,
    MemorySwap: -1,
  });
  assert.deepEqual(config.Env, Env);
});

test("a limit of the request itself wins over the variable", async () => {
  const plugin = await loadPlugin(directory);
  const config = sampleContainerConfig({ Env: ["LEGACY_MEM=64m"], HostConfig: { Memory: 1 << 30 } });
  assert.equal((await plugin.call("container.preCreate", { config })).config.HostConfig.Memory, 1 << 30);
});

test("the variables are taken out where the operator wants it", async () => {
  const plugin = await loadPlugin(directory, { configuration: { keepVariables: false } });
  const config = sampleContainerConfig({ Env: ["A=1", "LEGACY_MEM=64m"] });
  assert.deepEqual((await plugin.call("container.preCreate", { config })).config.Env, ["A=1"]);
});

for (const [variable, value, message] of [
  ["LEGACY_MEM", "lots", 'LEGACY_MEM must be a size such as 64m or 1g, got "lots"'],
  ["LEGACY_CPU", "-2", 'LEGACY_CPU must be a number above 0, got "-2"'],
  ["LEGACY_PIDS", "", 'LEGACY_PIDS must be a number above 0, got ""'],
] as const) {
  test(`${variable}=${value} is refused with a message that says what would be right`, async () => {
    const plugin = await loadPlugin(directory);
    const call = plugin.call("container.preCreate", { config: sampleContainerConfig({ Env: [`${variable}=${value}`] }) });
    await assert.rejects(call, { kind: "invalidArgument", message: `plugin "legacy-env" at container.preCreate: ${message}` });
  });
}
