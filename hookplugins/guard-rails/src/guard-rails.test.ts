import { loadPlugin, sampleContainer, sampleVolume, type PluginUnderTest } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

const guarded = (configuration = {}): Promise<PluginUnderTest> => loadPlugin(new URL("..", import.meta.url), { configuration });

test("an exec runs what the site lists, as whom it says, and with no more privileges", async () => {
  const plugin = await guarded({ commands: ["date"], execUser: "nobody" });
  const { config } = await plugin.call("container.preExec", { config: { Cmd: ["date", "-u"] } });
  assert.deepEqual(config, { Cmd: ["date", "-u"], User: "nobody" });
  for (const [config, words] of [
    [{ Cmd: ["sh"] }, /sh is not among the programs that may be run here: date$/],
    [{ Cmd: ["date"], Privileged: true }, /with more privileges/],
  ] as const)
    await assert.rejects(plugin.call("container.preExec", { config: { ...config, Cmd: [...config.Cmd] } }), {
      kind: "forbidden",
      message: words,
    });
});

test("what is protected is not removed, and the filters let nothing else come", async () => {
  const plugin = await guarded();
  await assert.rejects(plugin.call("container.preRemove", { container: sampleContainer() }), {
    kind: "forbidden",
    message: /container sample is protected by its label guard-rails.protect$/,
  });
  await assert.rejects(plugin.call("volume.preRemove", { volume: sampleVolume() }), { message: /volume data is protected/ });
  for (const point of ["container.preRemove", "volume.preRemove"] as const)
    assert.deepEqual(plugin.manifest.points[point]?.filters, { labels: ["guard-rails.protect"] });
});

test("images come from the registries that are listed", async () => {
  const pull = async (reference: string, configuration = {}): Promise<string> => {
    const plugin = await guarded(configuration);
    return (await plugin.call("image.prePull", { request: { reference, platform: "" } })).request.reference;
  };
  const listed = { registries: ["docker.io", "localhost:5000"] };
  for (const reference of ["busybox:latest", "library/busybox", "docker.io/team/app", "localhost:5000/app:v2"])
    assert.equal(await pull(reference, listed), reference);
  for (const [reference, host] of [
    ["ghcr.io/team/app", "ghcr.io"],
    ["localhost/app", "localhost"],
  ] as const)
    await assert.rejects(pull(reference, listed), { kind: "forbidden", message: new RegExp(`images of ${host} are not pulled`) });
  assert.equal(await pull("ghcr.io/team/app"), "ghcr.io/team/app");
});

test("a network gets the subnet of its name and the site's MTU, where its request says none", async () => {
  const plugin = await guarded({ subnets: { web: "10.9.1.0/24" }, mtu: 1400 });
  const made = async (config: object): Promise<object> =>
    (await plugin.call("network.preCreate", { config: { Name: "web", ...config } })).config;
  const Options = { "com.docker.network.driver.mtu": "1400" };
  assert.deepEqual(await made({ IPAM: { Driver: "default", Config: [] } }), {
    Name: "web",
    IPAM: { Driver: "default", Config: [{ Subnet: "10.9.1.0/24" }] },
    Options,
  });
  const own = { IPAM: { Config: [{ Subnet: "10.1.0.0/24" }] }, Options: { "com.docker.network.driver.mtu": "9000" } };
  assert.deepEqual(await made(own), { Name: "web", ...own });
  assert.deepEqual(await made({ Name: "toString" }), { Name: "toString", Options });
});
