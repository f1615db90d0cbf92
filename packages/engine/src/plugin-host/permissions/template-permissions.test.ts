import { sampleContainerConfig, sampleContainer, sampleEndpoint, sampleImage } from "@pouchcontainer/plugin-sdk/testing";
import { pluginTemplate } from "@pouchcontainer/plugin-sdk/template";
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { home, type Daemon, type Home } from "../testing/manager-home.ts";

const points = [
  "container.preCreate",
  "container.preStart",
  "container.preCreateEndpoint",
  "container.preUpdate",
  "container.postUpdate",
  "volume.preVolumeCreate",
  "network.preCreate",
  "cri.preRunPodSandbox",
  "cri.preCreateContainer",
  "api.updateHandler",
  "image.prePull",
  "image.postPull",
];

async function installed(t: TestContext, h: Home, language: "javascript" | "python"): Promise<Daemon> {
  const folder = join(h.root, "sources/demo");
  mkdirSync(folder, { recursive: true });
  const files = pluginTemplate({ name: "demo", sdk: "1", language, points });
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: folder }, { privileges: "all" });
  return daemon;
}

for (const language of ["javascript", "python"] as const) {
  test(`what a new plugin in ${language} asks for lets the code of its points do what it does`, async (t) => {
    const { host } = await installed(t, home(t), language);
    const created = await host.preCreate(sampleContainerConfig(), {});
    assert.equal(created.HostConfig.PidsLimit, 500);
    assert.equal((await host.preStart(sampleContainer(), {})).length, 1);
    const endpoint = await host.preCreateEndpoint("1f0c", [], sampleEndpoint(), {});
    assert.deepEqual(endpoint.dnsOptions, ["ndots:1"]);
    const update = await host.preUpdate(Readable.from([Buffer.from('{"MemoryMb":64}')]), {});
    assert.match(Buffer.concat(await update.toArray()).toString(), /"Memory": ?67108864/);
    const { env } = await host.postUpdate((work) => work("/nowhere"), ["A=1"], {});
    assert.deepEqual(env, ["A=1", "UPDATED=yes"]);
    const madeBy = { "made-by": "demo" };
    assert.deepEqual((await host.preVolumeCreate({ Name: "data" }, {})).Labels, madeBy);
    const network = await host.change("network.preCreate", { config: { Name: "web" } }, {});
    assert.deepEqual(network.Labels, madeBy);
    assert.deepEqual((await host.criPreRunPodSandbox({ metadata: { name: "web" } }, {}, {})).annotations, madeBy);
    assert.deepEqual((await host.criPreCreateContainer(sampleContainerConfig(), {}, {})).Labels, madeBy);
    const routes = await host.updateHandlers([]);
    assert.deepEqual(
      routes.map(({ path }) => path),
      ["/demo"],
    );
    const pull = await host.change("image.prePull", { request: { reference: "busybox", platform: "" } }, {});
    assert.equal(pull.reference, "busybox:latest");
    const image = sampleImage();
    await host.postPull("overlayfs", image, {});
    assert.deepEqual(image.unpackedTo, ["native"]);
  });
}
