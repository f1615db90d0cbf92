import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaType } from "@pouchcontainer/oci";
import { FakeContainerd } from "../testing/fake-containerd.ts";
import { FakeRegistry } from "../../registry/testing/fake-registry.ts";
import { imageRoom, type ImageRoom } from "../testing/image-room.ts";
import { ImageStore } from "./image-store.ts";
import type { ImageManagerOptions } from "../image-manager.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const gently = { force: false, noPrune: false };
const forced = { force: true, noPrune: false };

/** A room whose short names are those of a registry on loopback that has `app:1`, `app:2` and `base:1`. */
async function stockedRoom(
  options: Partial<ImageManagerOptions> & { containerd?: FakeContainerd } = {},
): Promise<ImageRoom & AsyncDisposable> {
  const registry = await FakeRegistry.start();
  registry.addImage(["base"], amd64, "base");
  registry.addImage(["base", "one"], amd64, "1");
  registry.addImage(["base", "two"], amd64, "2");
  const room = await imageRoom({ naming: { domain: registry.host, namespace: "" }, ...options });
  return { ...room, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

async function list(room: ImageRoom, filters: Record<string, string[]> = {}): Promise<string[]> {
  const images = await room.images.list({ all: false, digests: false, sharedSize: false, filters });
  return images.flatMap(({ RepoTags, Id }) => (RepoTags.length === 0 ? [Id.slice(7, 13)] : RepoTags)).sort();
}

test("an image is found by name, digest, id and the beginning of an id", async () => {
  await using room = await stockedRoom();
  await room.pull("app:1");
  const { Id, RepoDigests } = await room.images.inspect("app:1");
  for (const ref of [Id, Id.slice(7), Id.slice(7, 19), Id.slice(0, 15), RepoDigests[0] ?? ""]) {
    assert.equal((await room.images.resolve(ref)).id, Id, ref);
  }
  const resolved = await room.images.resolve("app:1");
  assert.deepEqual([resolved.config, resolved.os, resolved.architecture], [{ Cmd: ["sh"] }, "linux", "amd64"]);
  assert.match(resolved.reference, /\/app:1$/);
  for (const ref of ["app", "app:9", "f".repeat(12), `sha256:${"f".repeat(64)}`]) {
    await assert.rejects(room.images.resolve(ref), { kind: "notFound", message: /^No such image: / }, ref);
  }
  await assert.rejects(room.images.resolve("app"), { message: "No such image: app:latest" });
});

test("what a daemon knew is known after a restart", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd });
  await room.pull("app:1");
  await room.pull("app:2");
  await room.images.tag("app:2", { repository: "mine", tag: "x" });
  const again = await imageRoom({ containerd });
  assert.equal((await again.images.list({ all: true, digests: true, sharedSize: false, filters: {} })).length, 2);
  assert.equal((await again.images.inspect((await room.images.inspect("mine:x")).Id)).RepoTags.length, 2);
});

test("leases of a daemon that was killed are given back at start, those of others stay", async () => {
  const containerd = new FakeContainerd();
  await containerd.leases.create("pouch-images-pull-1");
  await containerd.leases.create("someone-else");
  await imageRoom({ containerd });
  assert.deepEqual([...containerd.leaseResources.keys()], ["someone-else"]);
});

test("a record that cannot be read is left out with a warning, and not touched", async () => {
  const containerd = new FakeContainerd();
  const target = { mediaType: MediaType.ociManifest, digest: `sha256:${"a".repeat(64)}`, size: 1 };
  containerd.records.set("docker.io/library/lost:1", { name: "docker.io/library/lost:1", target, labels: {} });
  const warnings: string[] = [];
  const room = await imageRoom({ containerd, warn: (message) => void warnings.push(message) });
  assert.deepEqual(await list(room), []);
  assert.match(warnings[0] ?? "", /lost:1/);
  assert.equal(containerd.records.size, 1);
});

test("a name that moves leaves the other image dangling, held and listed", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd });
  await room.pull("app:1");
  await room.pull("app:2");
  const first = (await room.images.inspect("app:1")).Id;
  await room.images.tag("app:2", { repository: "app", tag: "1" });
  assert.deepEqual((await room.images.inspect(first)).RepoTags, []);
  assert.deepEqual(await list(room, { dangling: ["true"] }), [first.slice(7, 13)]);
  assert.deepEqual(await list(room, { dangling: ["false"] }), ["app:1", "app:2"]);
  containerd.collect();
  assert.ok(containerd.blobs.has(first));
});

test("filters select, and wrong ones are refused", async () => {
  await using room = await stockedRoom();
  for (const ref of ["app:1", "app:2", "app:base"]) await room.pull(ref);
  await room.images.tag("app:1", { repository: "team/tool", tag: "v1" });
  assert.deepEqual(await list(room, { reference: ["app:[12]"] }), ["app:1", "app:2"]);
  assert.deepEqual(await list(room, { reference: ["app"] }), ["app:1", "app:2", "app:base"]);
  assert.deepEqual(await list(room, { reference: ["*"] }), ["app:1", "app:2", "app:base"]);
  assert.deepEqual(await list(room, { reference: ["team/*:v?"] }), ["team/tool:v1"]);
  assert.deepEqual(await list(room, { label: ["no"] }), []);
  assert.equal((await list(room, { "label!": ["no"] })).length, 4);
  assert.deepEqual(await list(room, { before: ["app:1"] }), []);
  assert.equal((await list(room, { until: ["1h"] })).length, 4);
  assert.equal((await list(room, { until: ["2023-01-01T00:00:00Z"] })).length, 0);
  for (const filters of [{ foo: ["x"] }, { dangling: ["maybe"] }, { until: ["soon"] }]) {
    await assert.rejects(list(room, filters), {
      kind: "invalidArgument",
      message: /^(invalid filter '|failed to parse value as time)/,
    });
  }
  await assert.rejects(list(room, { since: ["nothing"] }), { kind: "notFound" });
});

test("removing a name keeps an image that has others; removing the last removes it, digests included", async () => {
  await using room = await stockedRoom();
  await room.pull("app:1");
  await room.pull("app:base");
  await room.images.tag("app:1", { repository: "other" });
  const { Id, RootFS } = await room.images.inspect("app:1");
  assert.deepEqual(await room.images.remove("other", gently), [{ Untagged: "other:latest" }]);
  const items = await room.images.remove("app:1", gently);
  assert.deepEqual(
    items.map((item) => Object.keys(item)[0]),
    ["Untagged", "Untagged", "Deleted", "Deleted"],
  );
  assert.match(items[1]?.Untagged ?? "", /^app@sha256:/);
  assert.equal(items[2]?.Deleted, Id);
  assert.equal(RootFS.Layers?.length, 2);
  assert.deepEqual(await list(room), ["app:base"]);
  assert.deepEqual(
    room.events.slice(-3).map(({ action }) => action),
    ["untag", "untag", "delete"],
  );
});

test("an id with names in two repositories is removed by force only", async () => {
  await using room = await stockedRoom();
  await room.pull("app:1");
  await room.images.tag("app:1", { repository: "other" });
  const { Id } = await room.images.inspect("app:1");
  const short = Id.slice(7, 19);
  await assert.rejects(room.images.remove(short, gently), {
    kind: "conflict",
    message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
  });
  assert.equal((await room.images.remove(short, forced)).filter(({ Untagged }) => Untagged !== undefined).length, 3);
  assert.deepEqual(await list(room), []);
});

test("an image a running container uses loses its name by force, and stays", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd, usedBy: () => [{ id: "c".repeat(64), running: true }] });
  await room.pull("app:1");
  const { Id } = await room.images.inspect("app:1");
  const items = await room.images.remove("app:1", forced);
  assert.ok(items.every(({ Deleted }) => Deleted === undefined));
  containerd.collect();
  assert.equal((await room.images.inspect(Id)).Id, Id);
});

test("prune takes what has no tag, with dangling=false all that is unused", async () => {
  const used = new Set<string>();
  await using room = await stockedRoom({ usedBy: (id) => (used.has(id) ? [{ id: "c".repeat(64), running: false }] : []) });
  for (const ref of ["app:1", "app:2", "app:base"]) await room.pull(ref);
  const first = (await room.images.inspect("app:1")).Id;
  used.add((await room.images.inspect("app:base")).Id);
  await room.images.tag("app:2", { repository: "app", tag: "1" });
  const pruned = await room.images.prune({});
  assert.ok(pruned.ImagesDeleted?.some(({ Deleted }) => Deleted === first));
  assert.equal(pruned.SpaceReclaimed, 100, "the shared layer stays");
  assert.deepEqual(await list(room), ["app:1", "app:2", "app:base"]);
  await room.images.prune({ dangling: ["false"] });
  assert.deepEqual(await list(room), ["app:base"]);
  assert.deepEqual(await room.images.prune({}), { ImagesDeleted: null, SpaceReclaimed: 0 });
});

test("prune goes on after a name that went with another", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd });
  await room.pull("app:1");
  await room.images.tag("app:1", { repository: "registry.example/app", tag: "1" });
  const { ImagesDeleted } = await room.images.prune({ dangling: ["false"] });
  assert.deepEqual([...containerd.records.keys()], []);
  assert.equal(ImagesDeleted?.filter(({ Untagged }) => Untagged !== undefined).length, 3);
});

/** Runs this when the next record is being deleted. */
function onNextDelete(containerd: FakeContainerd, act: () => void): void {
  const remove = containerd.images.delete.bind(containerd.images);
  containerd.images.delete = async (...args) => {
    containerd.images.delete = remove;
    act();
    await new Promise(setImmediate);
    await remove(...args);
  };
}

test("prune leaves an image that got a tag since the selection", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd });
  for (const ref of ["app:1", "app:2", "app:base"]) await room.pull(ref);
  const { Id } = await room.images.inspect("app:2");
  for (const tag of ["1", "2"]) await room.images.tag("app:base", { repository: "app", tag });
  let tagging: Promise<void> | undefined;
  onNextDelete(containerd, () => {
    tagging = room.images.tag(Id, { repository: "kept", tag: "1" });
  });
  await room.images.prune({});
  await tagging;
  assert.deepEqual(await list(room), ["app:1", "app:2", "app:base", "kept:1"]);
});

test("an image that is being removed gets no name", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd });
  await room.pull("app:1");
  const { Id } = await room.images.inspect("app:1");
  let refused: Promise<void> | undefined;
  onNextDelete(containerd, () => {
    const tagging = room.images.tag(Id, { repository: "late", tag: "1" });
    refused = assert.rejects(tagging, { kind: "notFound", message: `No such image: ${Id}` });
  });
  await room.images.remove(Id, gently);
  assert.ok(refused);
  await refused;
  assert.deepEqual([...containerd.records.keys()], []);
});

test("an image is removed by its manifest's digest as by its id", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd });
  for (const prefix of ["sha256:", ""]) {
    await room.pull("app:1");
    const { Id, RepoDigests } = await room.images.inspect("app:1");
    const digest = RepoDigests[0]?.split("@sha256:")[1] ?? "";
    const removed = await room.images.remove(`${prefix}${digest}`, gently);
    assert.ok(removed.some(({ Deleted }) => Deleted === Id));
    assert.deepEqual([...containerd.records.keys()], []);
  }
});

test("sizes count layers, shared ones apart, and history shows them", async () => {
  await using room = await stockedRoom();
  for (const ref of ["app:1", "app:2"]) await room.pull(ref);
  const images = await room.images.list({ all: false, digests: false, sharedSize: true, filters: {} });
  assert.deepEqual(
    images.map(({ Size, SharedSize }) => [Size, SharedSize]),
    [
      [200, 100],
      [200, 100],
    ],
  );
  const usage = await room.images.diskUsage();
  assert.deepEqual([usage.layersSize, usage.images.map(({ Containers }) => Containers)], [300, [0, 0]]);
  assert.deepEqual(await room.images.history("app:1"), []);
});

test("tags are checked before anything is written", async () => {
  await using room = await stockedRoom();
  await room.pull("app:1");
  await assert.rejects(room.images.tag("app:1", { repository: "Bad" }), { kind: "invalidArgument" });
  await assert.rejects(room.images.tag("app:1", { repository: "ok", tag: "no way" }), {
    kind: "invalidArgument",
    message: "invalid tag format",
  });
  await assert.rejects(room.images.tag("app:1", { repository: `ok@sha256:${"a".repeat(64)}` }), {
    message: "refusing to create a tag with a digest reference",
  });
  await assert.rejects(room.images.tag("none", { repository: "ok" }), { kind: "notFound" });
  assert.deepEqual(await list(room), ["app:1"]);
});

test("an image is unpacked for another snapshotter when a container needs it, and held there", async () => {
  const containerd = new FakeContainerd();
  await using room = await stockedRoom({ containerd });
  await room.pull("app:1");
  const image = await room.images.resolve("app:1");
  await Promise.all([room.images.ensureUnpacked(image, "native"), room.images.ensureUnpacked(image, "native")]);
  containerd.collect();
  assert.equal(containerd.snapshotsBySnapshotter.get("native")?.size, 2);
  assert.equal(containerd.leaseResources.size, 0);
  assert.equal(containerd.applied.length, 4);
});

test("an image is one that was built here by its manifest, which no other one takes the place of", async () => {
  const containerd = new FakeContainerd();
  const options = { containerd, naming: { domain: "docker.io", namespace: "library" }, platform: amd64, now: () => 0 };
  const store = new ImageStore({ ...options, removal: (work) => work(), warn: () => undefined });
  const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
  const withManifest = (letter: string) => {
    const manifestDescriptor = { mediaType: MediaType.ociManifest, digest: digest(letter), size: 1 };
    const config = { mediaType: MediaType.ociConfig, digest: digest("c"), size: 1 };
    const manifest = { schemaVersion: 2 as const, config, layers: [] };
    return { manifestDescriptor, manifest, config: { ...amd64, rootfs: { type: "layers" as const, diff_ids: [] } } };
  };
  const named = (name: string) => ({ domain: "docker.io", path: name, tag: "1" });
  const [built, foreign] = [withManifest("a"), withManifest("b")];
  store.noteBuilt(built);
  const image = await store.put(named("built"), built.manifestDescriptor, built);
  assert.ok(store.isBuilt(image));
  store.noteBuilt(foreign);
  await store.put(named("foreign"), foreign.manifestDescriptor, foreign);
  assert.ok(store.isBuilt(image));
  await store.untag("docker.io/built:1", image.id);
  assert.equal(image.manifestDescriptor.digest, digest("b"));
  assert.ok(!store.isBuilt(image), "what it shows now came from elsewhere");
});
