import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { digestOf } from "@pouchcontainer/oci";
import { FakeRegistry } from "../../registry/testing/fake-registry.ts";
import { imageRoom, type ImageRoom } from "../testing/image-room.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const forever = new AbortController().signal;

/** A room with an image, and a container that holds its snapshot. */
async function roomWithImage(registry: FakeRegistry): Promise<{ room: ImageRoom; parent: string }> {
  registry.addImage(["a"], amd64, "1");
  const room = await imageRoom();
  await room.pull(`${registry.host}/app:1`);
  const image = await room.images.resolve(`${registry.host}/app:1`);
  await room.images.ensureUnpacked(image, "overlayfs");
  room.containerd.leaseResources.set("container", [{ type: "snapshots/overlayfs", id: image.chainId }]);
  return { room, parent: image.id };
}

const onTop = (parent: string) => ({
  parent,
  layer: Readable.from([Buffer.from("b")]),
  config: {},
  author: "",
  comment: "",
  createdBy: "",
});

test("an image on one that is removed at that moment is refused, and nothing is left of it", async () => {
  await using registry = await FakeRegistry.start();
  const { room, parent } = await roomWithImage(registry);
  const { containerd, images } = room;
  const create = containerd.leases.create.bind(containerd.leases);
  containerd.leases.create = async (...given) => {
    await images.remove(parent, { force: true, noPrune: false });
    return create(...given);
  };
  await assert.rejects(images.makeOnTop(onTop(parent), undefined, forever), { kind: "notFound" });
  containerd.leases.create = create;
  assert.deepEqual([...containerd.blobs.keys()], []);
  assert.deepEqual([...containerd.leaseResources.keys()], ["container"]);
});

test("an image on one that is removed once it is begun has all its layers", async () => {
  await using registry = await FakeRegistry.start();
  const { room, parent } = await roomWithImage(registry);
  const { containerd, images } = room;
  const openWriter = containerd.content.openWriter.bind(containerd.content);
  containerd.content.openWriter = async (...given) => {
    await images.remove(parent, { force: true, noPrune: false });
    return openWriter(...given);
  };
  const { id } = await images.makeOnTop(onTop(parent), undefined, forever);
  containerd.collect();
  assert.deepEqual(
    ["a", "b"].map((layer) => containerd.blobs.has(digestOf(layer))),
    [true, true],
  );
  assert.equal((await images.inspect(id)).RootFS.Layers?.length, 2);
});

test("an image may expose every port there is; what is too much to be read again is refused before its layer is read", async () => {
  await using registry = await FakeRegistry.start();
  const { room, parent } = await roomWithImage(registry);
  const named = <T>(prefix: string, count: number, value: T): Record<string, T> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, value]));
  const all = {
    ...onTop(parent),
    config: { ExposedPorts: named<Record<string, never>>("", 65_535, {}), Labels: named("l", 9_000, "x") },
  };
  const { id } = await room.images.makeOnTop(all, undefined, forever);
  assert.equal(Object.keys((await room.images.inspect(id)).Config?.ExposedPorts ?? {}).length, 65_535);
  for (const [config, message] of [
    [{ Labels: named("l", 20_001, "x") }, /^invalid image config: it has more than 20000 values$/],
    [{ Cmd: ["x".repeat(9 << 20)] }, /^the image's configuration has \d+ bytes, more than 8388608$/],
  ] as const) {
    const layer = new Readable({ read: () => assert.fail("the layer is read") });
    const tooMuch = { ...onTop(parent), layer, config: { ...config, Cmd: "Cmd" in config ? [...config.Cmd] : [] } };
    await assert.rejects(room.images.makeOnTop(tooMuch, undefined, forever), { kind: "invalidArgument", message });
  }
});
