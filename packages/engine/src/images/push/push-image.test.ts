import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { JsonMessage } from "@pouchcontainer/api";
import { forbidden } from "@pouchcontainer/errors";
import { digestOf, MediaType, parseManifest, shortId } from "@pouchcontainer/oci";
import { FakeRegistry, faulty, refuse, type SeenRequest } from "../../registry/testing/fake-registry.ts";
import { FakeContainerd } from "../testing/fake-containerd.ts";
import { imageRoom, noPlugins, type ImageRoom } from "../testing/image-room.ts";
import type { ImageManagerOptions } from "../image-manager.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };
const layers = ["a".repeat(100_000), "b".repeat(200_000)];

/** A room that has `app:1`, of two layers, from a registry that is no more. */
async function roomWithApp(options: Partial<ImageManagerOptions> & { containerd?: FakeContainerd } = {}): Promise<ImageRoom> {
  await using origin = await FakeRegistry.start();
  origin.addImage(layers, amd64, "1");
  const room = await imageRoom(options);
  await room.pull(`${origin.host}/app:1`);
  await room.images.tag(`${origin.host}/app:1`, { repository: "app", tag: "1" });
  await room.images.remove(`${origin.host}/app:1`, { force: false, noPrune: false });
  return room;
}

async function tagged(room: ImageRoom, ...names: string[]): Promise<void> {
  for (const name of names) await room.images.tag("app:1", { repository: name });
}

const statuses = (lines: JsonMessage[]): string[] =>
  lines
    .filter(({ progressDetail }) => progressDetail?.total === undefined)
    .map(({ id, status }) => (id ? `${id}: ${status}` : String(status)));

test("a pushed image is in the registry as it is here, and is told of in Docker's words", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  const name = `${registry.host}/team/app`;
  await tagged(room, `${name}:v1`);
  const lines = await room.push(name, { tag: "v1" });
  const { bytes = Buffer.alloc(0), mediaType } = registry.manifest("v1") ?? {};
  const digest = digestOf(bytes);
  assert.equal(mediaType, MediaType.ociManifest);
  const [first, second] = layers.map((layer) => shortId(digestOf(layer)));
  assert.deepEqual(
    statuses(lines).toSorted(),
    [
      `${first}: Preparing`,
      `${first}: Pushed`,
      `${second}: Preparing`,
      `${second}: Pushed`,
      `The push refers to repository [${name}]`,
      "undefined",
      `v1: digest: ${digest} size: ${bytes.length}`,
    ].toSorted(),
  );
  assert.deepEqual(lines[0], { status: `The push refers to repository [${name}]` });
  assert.deepEqual(lines.at(-1), { progressDetail: {}, aux: { Tag: "v1", Digest: digest, Size: bytes.length } });
  assert.ok(lines.some(({ status, progressDetail }) => status === "Pushing" && progressDetail?.current === 100_000));
  assert.deepEqual(room.events.at(-1), { action: "push", id: `${name}:v1`, attributes: { name } });
  assert.deepEqual((await room.images.inspect("app:1")).RepoDigests, [`${name}@${digest}`]);
  const other = await imageRoom();
  await other.pull(`${name}:v1`);
  assert.equal((await other.images.inspect(`${name}:v1`)).Id, (await room.images.inspect("app:1")).Id);
  assert.equal(room.containerd.leaseResources.size, 0);
});

test("a layer that is not to be handed on stays here, and the image is made on it all the same", async () => {
  await using origin = await FakeRegistry.start();
  await using registry = await FakeRegistry.start();
  const urls = ["https://example.test/layer"];
  const foreign = { mediaType: MediaType.dockerForeignLayerGzip, ...origin.addBlob("foreign"), urls };
  const own = { mediaType: MediaType.dockerLayer, ...origin.addBlob("own") };
  const config = { ...amd64, rootfs: { type: "layers", diff_ids: [digestOf("foreign"), digestOf("own")] } };
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.dockerManifest,
    config: { mediaType: MediaType.dockerConfig, ...origin.addBlob(JSON.stringify(config)) },
    layers: [foreign, own],
  };
  origin.addManifest(manifest, MediaType.dockerManifest, "1");
  const room = await imageRoom();
  await room.pull(`${origin.host}/app:1`);
  await room.images.tag(`${origin.host}/app:1`, { repository: `${registry.host}/app`, tag: "1" });
  const lines = await room.push(`${registry.host}/app:1`);
  assert.ok(statuses(lines).includes(`${shortId(foreign.digest)}: Skipped foreign layer`));
  assert.deepEqual(
    [foreign, own].map(({ digest }) => registry.blob("app", digest)?.toString()),
    [undefined, "own"],
  );
  assert.ok(registry.manifest("1") !== undefined);

  const { id: parent } = await room.images.resolve(`${origin.host}/app:1`);
  const onTop = { parent, layer: Readable.from([Buffer.from("top")]), config: {}, author: "", comment: "", createdBy: "" };
  const name = room.images.newName(`${registry.host}/app`, "2");
  await room.images.makeOnTop(onTop, name, new AbortController().signal);
  await room.push(`${registry.host}/app:2`);
  const [first] = parseManifest(registry.manifest("2")?.bytes ?? Buffer.alloc(0)).layers;
  assert.deepEqual(first, {
    mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    digest: foreign.digest,
    size: foreign.size,
    urls,
  });
});

test("what the registry has is not sent again; another repository has it from there", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  const [app, other] = [`${registry.host}/team/app:1`, `${registry.host}/team/other:1`];
  await tagged(room, app, other);
  const count = (lines: JsonMessage[], word: string): number => lines.filter(({ status }) => status === word).length;
  await room.push(app);
  assert.equal(count(await room.push(app), "Layer already exists"), 2);
  assert.equal(count(await room.push(other), "Mounted from team/app"), 2);
  const sent = registry.requests.filter(({ method, path }) => method === "PUT" && path.includes("/blobs/"));
  // Two layers and the config.
  assert.equal(sent.length, 3);
});

test("without a tag all tags of the repository go, and none of another's", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  const name = `${registry.host}/app`;
  await tagged(room, `${name}:2`, `${name}:1`, `${registry.host}/other:3`);
  const lines = await room.push(name);
  assert.deepEqual(
    lines.flatMap(({ aux }) => (aux === undefined ? [] : [(aux as { Tag: string }).Tag])),
    ["1", "2"],
  );
  assert.deepEqual([registry.manifest("1") !== undefined, registry.manifest("3")], [true, undefined]);
  assert.deepEqual(room.events.at(-1), { action: "push", id: name, attributes: { name } });
});

test("what is not here, and what cannot be pushed, is refused in Docker's words", async () => {
  const room = await roomWithApp();
  for (const [reference, tag, message, isTold] of [
    ["none", "latest", "An image does not exist locally with the tag: none", true],
    ["none", undefined, "An image does not exist locally with the tag: none", true],
    ["app", "2", "tag does not exist: app:2", true],
    ["app", "no way", "invalid tag format", false],
    ["::", "1", "invalid reference format", false],
    [`app@${digestOf("x")}`, undefined, "cannot push a digest reference", false],
  ] as const) {
    const lines: JsonMessage[] = [];
    await assert.rejects(room.push(reference, { ...(tag !== undefined && { tag }), lines }), { message });
    const told = isTold ? [{ status: `The push refers to repository [docker.io/library/${reference}]` }] : [];
    assert.deepEqual(lines, told);
  }
});

test("an index is pushed with all that it names if that is here, else the image of this platform", async () => {
  await using origin = await FakeRegistry.start();
  await using registry = await FakeRegistry.start();
  const manifests = [amd64, arm64].map((platform) => ({
    ...origin.addImage([`for ${platform.architecture}`], platform),
    platform,
  }));
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
  const { digest, size } = origin.addManifest(index, MediaType.ociIndex, "1");
  const room = await imageRoom();
  const name = `${registry.host}/app:1`;
  await room.pull(`${origin.host}/app:1`);
  await room.images.tag(`${origin.host}/app:1`, { repository: name });
  const alone = await room.push(name);
  assert.equal(digestOf(registry.manifest("1")?.bytes ?? ""), manifests[0]?.digest);
  const note = alone.find(({ aux }) => aux !== undefined && "manifestPushedInsteadOfIndex" in (aux as object))?.aux;
  const selected = { mediaType: MediaType.ociManifest, digest: manifests[0]?.digest, size: manifests[0]?.size };
  assert.deepEqual(note, {
    manifestPushedInsteadOfIndex: true,
    originalIndex: { mediaType: MediaType.ociIndex, digest, size },
    selectedManifest: selected,
  });

  await room.pull(`${origin.host}/app:1`, { platform: "linux/arm64" });
  const whole = await room.push(name);
  assert.equal(digestOf(registry.manifest("1")?.bytes ?? ""), digest);
  assert.deepEqual(whole.at(-1)?.aux, { Tag: "1", Digest: digest, Size: size });
  assert.ok(manifests.every((manifest) => registry.manifest(manifest.digest) !== undefined));

  await room.push(name, { platform: "linux/arm64" });
  assert.equal(digestOf(registry.manifest("1")?.bytes ?? ""), manifests[1]?.digest);
  await assert.rejects(room.push(name, { platform: "linux/s390x" }), {
    kind: "notFound",
    message: /does not provide the specified platform \(linux\/s390x\)$/,
  });
});

test("content that is gone fails a push, unless the registry has it", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  const name = `${registry.host}/app:1`;
  await tagged(room, name);
  const gone = digestOf(layers[0] ?? "");
  const bytes = room.containerd.blobs.get(gone)?.bytes ?? Buffer.alloc(0);
  room.containerd.blobs.delete(gone);
  await assert.rejects(room.push(name), {
    kind: "notFound",
    message: `content of the image is not here: blob ${gone} is missing`,
  });
  assert.deepEqual([...registry.uploads.open], []);
  assert.equal(registry.manifest("1"), undefined);
  registry.addBlob(bytes);
  await room.push(name);
  assert.ok(registry.manifest("1") !== undefined);
});

test("a layer whose manifest lies about its size is sent as it is", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  await tagged(room, `${registry.host}/app:1`);
  const [image] = room.images.views();
  assert.ok(image !== undefined);
  for (const { target } of room.containerd.records.values()) {
    const manifest = JSON.parse(room.containerd.blobs.get(target.digest)?.bytes.toString() ?? "") as {
      layers: { size: number }[];
    };
    for (const layer of manifest.layers) layer.size = 1 << 30;
    Object.assign(room.containerd.blobs.get(target.digest) ?? {}, { bytes: Buffer.from(JSON.stringify(manifest)) });
  }
  const restarted = await imageRoom({ containerd: room.containerd });
  await restarted.push(`${registry.host}/app:1`);
  for (const layer of layers) assert.ok(registry.blob("app", digestOf(layer)) !== undefined);
});

test("as many layers are sent at once as may be, over all pushes; others wait, and say so", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp({ maxConcurrentUploads: 1 });
  const name = `${registry.host}/app:1`;
  await tagged(room, name);
  const lines = await room.push(name);
  const second = shortId(digestOf(layers[1] ?? ""));
  assert.deepEqual(
    statuses(lines.filter(({ id }) => id === second)),
    ["Preparing", "Waiting", "Pushed"].map((word) => `${second}: ${word}`),
  );
  assert.equal(registry.uploads.most, 1);
});

test("the first layer that fails ends a push: others are taken back, no tag is made, and the error is the registry's", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  const name = `${registry.host}/app:1`;
  await tagged(room, name);
  const bytes = ({ method, path }: SeenRequest): boolean => method === "PUT" && path.includes("/blobs/");
  let puts = 0;
  registry.interceptors.push((request, response) => {
    if (!bytes(request)) return false;
    // The first hangs until the second is refused.
    if ((puts += 1) === 2) refuse(response, 403, "DENIED", "requested access to the resource is denied");
    return true;
  });
  await assert.rejects(room.push(name), { message: "denied: requested access to the resource is denied" });
  assert.deepEqual([...registry.uploads.open], []);
  assert.equal(registry.manifest("1"), undefined);
  assert.equal(room.containerd.leaseResources.size, 0);
  assert.ok(room.events.every(({ action }) => action !== "push"));
});

test("who goes away takes what he uploads with him", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  const name = `${registry.host}/app:1`;
  await tagged(room, name);
  const leaving = new AbortController();
  registry.interceptors.push(
    faulty(
      1,
      ({ method }) => method === "PUT",
      () => leaving.abort(),
    ),
  );
  await assert.rejects(room.push(name, { signal: leaving.signal }), { kind: "cancelled", message: "context canceled" });
  assert.deepEqual([...registry.uploads.open], []);
  assert.equal(room.containerd.leaseResources.size, 0);
});

test("name and password go to the registry that is pushed to, and wrong or missing ones are told in Docker's words", async () => {
  await using registry = await FakeRegistry.start();
  const room = await roomWithApp();
  const name = `${registry.host}/app:1`;
  await tagged(room, name);
  const right = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  registry.interceptors.push(({ authorization }, response) => {
    if (authorization === right) return false;
    refuse(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": 'Basic realm="test"' });
    return true;
  });
  await assert.rejects(room.push(name), { message: "no basic auth credentials" });
  const wrong = { username: "ann", password: "wrong" };
  await assert.rejects(room.push(name, { auth: wrong }), { message: "unauthorized: authentication required" });
  const lines = await room.push(name, { auth: { username: "ann", password: "secret" } });
  assert.doesNotMatch(JSON.stringify([lines, room.events]), /secret/);
});

test("an image that is removed while it is pushed is pushed to its end, and gets no name", async () => {
  await using registry = await FakeRegistry.start();
  const containerd = new FakeContainerd();
  const room = await roomWithApp({ containerd });
  const name = `${registry.host}/app:1`;
  await tagged(room, name);
  let removal: Promise<unknown> = Promise.resolve();
  registry.interceptors.push(({ method }) => {
    if (method === "POST")
      removal = room.images.remove(room.images.views()[0]?.id ?? name, { force: true, noPrune: false }).catch(() => undefined);
    return false;
  });
  await room.push(name);
  await removal;
  containerd.collect();
  assert.ok(registry.manifest("1") !== undefined);
  assert.deepEqual([room.images.views(), [...containerd.records], containerd.blobs.size], [[], [], 0]);
});

test("plugins are asked about every tag before the first is pushed, and what they throw refuses the push", async () => {
  await using registry = await FakeRegistry.start();
  const asked: unknown[] = [];
  const ask: ImageManagerOptions["chains"]["ask"] = async (point, view, { image }) => {
    asked.push([point, image, view()]);
    if (image?.endsWith(":2") === true) throw forbidden("not this one");
  };
  const room = await roomWithApp({ chains: { ...noPlugins, ask } });
  const name = `${registry.host}/app`;
  await tagged(room, `${name}:1`, `${name}:2`);
  await assert.rejects(room.push(name), { kind: "forbidden", message: "not this one" });
  assert.deepEqual(registry.requests, []);
  const [image] = room.images.views();
  const { manifestDigest: digest } = await room.images.resolve("app:1");
  const manifestBytes = room.containerd.blobs.get(digest)?.bytes.length ?? 0;
  const sizeBytes = (image?.packedBytes ?? 0) - manifestBytes;
  const shown = (tag: string): object => {
    return { reference: `${name}:${tag}`, digest, platform: "linux/amd64", sizeBytes, config: image?.config };
  };
  assert.deepEqual(
    asked,
    ["1", "2"].map((tag) => ["image.prePush", `${name}:${tag}`, { pushed: shown(tag) }]),
  );
});
