import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { JsonMessage } from "@pouchcontainer/api";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { pack } from "tar-stream";
import { imageRoom, type ImageRoom } from "../testing/image-room.ts";

type File = { name: string; text: string | object; linkname?: string; type?: "symlink" | "link" | "character-device" };

async function tarOf(files: File[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, text, linkname, type = "file" } of files) {
    if (type === "file") tar.entry({ name }, typeof text === "string" ? text : JSON.stringify(text));
    else tar.entry({ name, type, ...(linkname !== undefined && { linkname }) });
  }
  tar.finalize();
  // The library's type leaves open what a pack streams: it is buffers.
  return Buffer.concat((await Array.fromAsync(tar)) as Buffer[]);
}

async function load(
  room: ImageRoom,
  tar: Uint8Array,
  options: { quiet?: boolean; platform?: string } = {},
): Promise<JsonMessage[]> {
  const lines: JsonMessage[] = [];
  // In small pieces, as a socket gives them; big archives in bigger ones.
  const size = tar.length > 1_000_000 ? 65_536 : 777;
  const pieces = Array.from({ length: Math.ceil(tar.length / size) }, (_, index) =>
    tar.subarray(index * size, index * size + size),
  );
  await room.images.load(
    Readable.from(pieces, { objectMode: false }),
    { quiet: true, ...options },
    (line) => lines.push(line),
    new AbortController().signal,
  );
  return lines;
}

const config = (...layers: string[]): object => ({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(layer)) },
});

function dockerArchive(tags: string[] | null, ...layers: string[]): File[] {
  return [
    { name: "config.json", text: config(...layers) },
    ...layers.map((text, index) => ({ name: `${index}/layer.tar`, text })),
    {
      name: "manifest.json",
      text: [{ Config: "config.json", RepoTags: tags, Layers: layers.map((_, index) => `${index}/layer.tar`) }],
    },
  ];
}

test("docker save's format loads, compressed or not, and tells what Docker tells", async () => {
  const tar = await tarOf(dockerArchive(["app:1", "team/app:2"], "a", "b"));
  for (const bytes of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
    const room = await imageRoom();
    const lines = await load(room, bytes, { quiet: false });
    assert.deepEqual(lines[0], {
      status: "Loading layer",
      progressDetail: { current: 1, total: 1 },
      progress: `[${"=".repeat(50)}>]       1B/1B`,
      id: digestOf("a").slice(7, 19),
    });
    assert.deepEqual(lines.slice(-2), [{ stream: "Loaded image: app:1\n" }, { stream: "Loaded image: team/app:2\n" }]);
    assert.equal(room.containerd.leaseResources.size, 0);
    room.containerd.collect();
    assert.equal((await room.images.resolve("team/app:2")).id, (await room.images.resolve("app:1")).id);
    assert.deepEqual(
      room.events.map(({ action }) => action),
      ["load"],
    );
  }
});

test("an image without a name is told by its id and kept", async () => {
  const room = await imageRoom();
  const [line] = await load(room, await tarOf(dockerArchive(null, "a")));
  const id = /^Loaded image ID: (sha256:[0-9a-f]{64})\n$/.exec(line?.stream ?? "")?.[1] ?? "";
  room.containerd.collect();
  assert.deepEqual((await room.images.inspect(id)).RepoTags, []);
});

test("a name taken from another image is told", async () => {
  const room = await imageRoom();
  await load(room, await tarOf(dockerArchive(["app:1"], "a")));
  const { id } = await room.images.resolve("app:1");
  const lines = await load(room, await tarOf(dockerArchive(["app:1"], "b")));
  assert.equal(lines[0]?.stream, `The image app:1 already exists, renaming the old one with ID ${id} to empty string\n`);
  assert.deepEqual((await room.images.inspect(id)).RepoTags, []);
});

test("names of what every object has are names like others", async () => {
  const room = await imageRoom();
  const tags = ["constructor:keys", "constructor:__proto__", "tostring:call"];
  const keys: unknown = Object.keys;
  try {
    await load(room, await tarOf(dockerArchive(tags, "a")));
    const saved = await buffer(await room.images.save(tags, {}, new AbortController().signal));
    assert.equal(Object.keys, keys);
    const written = execFileSync("tar", ["-xO", "repositories"], { input: saved, encoding: "utf8" });
    const top = digestOf("a").slice("sha256:".length);
    assert.equal(written, `{"constructor":{"keys":"${top}","__proto__":"${top}"},"tostring":{"call":"${top}"}}\n`);
  } finally {
    Object.assign(Object, { keys });
  }
});

test("layers may be links to others", async () => {
  const files = dockerArchive(["app:1"], "a", "a");
  files[2] = { name: "1/layer.tar", text: "", type: "symlink", linkname: "../0/layer.tar" };
  const room = await imageRoom();
  assert.deepEqual(await load(room, await tarOf(files)), [{ stream: "Loaded image: app:1\n" }]);
});

test("an OCI layout loads with the name its annotations give, for the platform asked for", async () => {
  const files: File[] = [{ name: "oci-layout", text: { imageLayoutVersion: "1.0.0" } }];
  const blob = (text: string): { digest: string; size: number } => {
    const digest = digestOf(text);
    files.push({ name: `blobs/sha256/${digest.slice(7)}`, text });
    return { digest, size: text.length };
  };
  const manifests = ["amd64", "arm64"].map((architecture) => {
    const layers = [{ mediaType: MediaType.ociLayer, ...blob(architecture) }];
    const manifest = {
      schemaVersion: 2,
      config: { mediaType: MediaType.ociConfig, ...blob(JSON.stringify({ ...config(architecture), architecture })) },
      layers,
    };
    return { mediaType: MediaType.ociManifest, ...blob(JSON.stringify(manifest)), platform: { os: "linux", architecture } };
  });
  const index = { mediaType: MediaType.ociIndex, ...blob(JSON.stringify({ schemaVersion: 2, manifests })) };
  files.push({
    name: "index.json",
    text: {
      schemaVersion: 2,
      manifests: [{ ...index, annotations: { "io.containerd.image.name": "docker.io/library/multi:1" } }],
    },
  });
  const tar = await tarOf(files);
  for (const [platform, expected] of [
    ["", "amd64"],
    ["linux/arm64", "arm64"],
  ] as const) {
    const room = await imageRoom();
    assert.deepEqual(await load(room, tar, { platform }), [{ stream: "Loaded image: multi:1\n" }]);
    room.containerd.collect();
    assert.equal((await room.images.inspect("multi:1")).Architecture, expected);
  }
  await assert.rejects(load(await imageRoom(), tar, { platform: "linux/s390x" }), { kind: "notFound" });
});

test("the format before Docker 1.10 loads", async () => {
  const [lower, upper] = ["1".repeat(64), "2".repeat(64)];
  const room = await imageRoom();
  const lines = await load(
    room,
    await tarOf([
      {
        name: `${lower}/json`,
        text: { id: lower, created: "2014-01-01T00:00:00Z", container_config: { Cmd: ["/bin/sh", "-c", "first"] } },
      },
      { name: `${lower}/layer.tar`, text: "a" },
      { name: `${upper}/json`, text: { id: upper, parent: lower, created: "2014-01-02T00:00:00Z", config: { Env: ["A=b"] } } },
      { name: `${upper}/layer.tar`, text: "b" },
      { name: "repositories", text: { old: { "1": upper } } },
    ]),
  );
  assert.deepEqual(lines, [{ stream: "Loaded image: old:1\n" }]);
  const { RootFS, Config } = await room.images.inspect("old:1");
  assert.deepEqual([RootFS.Layers, Config?.Env], [[digestOf("a"), digestOf("b")], ["A=b"]]);
  assert.deepEqual(
    (await room.images.history("old:1")).map(({ CreatedBy }) => CreatedBy),
    ["", "/bin/sh -c first"],
  );
});

test("archives that lie or reach outside are refused and leave nothing", async () => {
  const good = dockerArchive(["app:1"], "a");
  const cases: [string, File[], RegExp][] = [
    ["a name outside", [{ name: "../evil", text: "x" }, ...good], /points outside the archive/],
    [
      "an absolute link",
      [{ name: "l", text: "", type: "symlink", linkname: "/etc/passwd" }, ...good],
      /points outside the archive/,
    ],
    ["a link outside", [{ name: "a/l", text: "", type: "symlink", linkname: "../../x" }, ...good], /points outside the archive/],
    ["a device", [{ name: "dev", text: "", type: "character-device" }, ...good], /is a character-device/],
    ["a missing layer", good.filter(({ name }) => name !== "0/layer.tar"), /layer "0\/layer.tar".* is missing/],
    ["a missing config", good.filter(({ name }) => name !== "config.json"), /config "config.json".* is missing/],
    [
      "other layer bytes",
      good.map((file) => (file.name === "0/layer.tar" ? { ...file, text: "b" } : file)),
      /invalid diffID for layer/,
    ],
    [
      "too few layers",
      good.map((file) => (file.name === "config.json" ? { ...file, text: config("a", "b") } : file)),
      /layers length mismatch: expected 1, got 2/,
    ],
    ["a bad name", dockerArchive(["no name"], "a"), /image name "no name"/],
    ["a manifest that is none", [{ name: "manifest.json", text: { Config: 1 } }], /manifest.json is not a list/],
    ["a huge manifest", [{ name: "manifest.json", text: " ".repeat(9 << 20) }], /more than 8388608/],
    [
      "a manifest of many values",
      [{ name: "manifest.json", text: Array.from({ length: 50_000 }, () => 0) }],
      /manifest.json has more than 49152 values/,
    ],
    [
      "many names",
      [{ name: "repositories", text: Array.from({ length: 20_001 }, () => 0) }],
      /repositories has more than 20000 values/,
    ],
    ["nothing known", [{ name: "x", text: "y" }], /neither index.json/],
    ["a blob that is another", [{ name: `blobs/sha256/${"0".repeat(64)}`, text: "x" }], /does not have the digest/],
  ];
  for (const [what, files, message] of cases) {
    const room = await imageRoom();
    await assert.rejects(load(room, await tarOf(files)), { kind: "invalidArgument", message }, what);
    const { blobs, records, leaseResources, ingests } = room.containerd;
    assert.equal(blobs.size + records.size + leaseResources.size + ingests.size, 0, what);
  }
});

/** A blob of a layout, as large as wanted: what is in it is nothing. */
function blobOf(text: string): { file: File; digest: string; size: number } {
  const digest = digestOf(text);
  return { file: { name: `blobs/sha256/${digest.slice(7)}`, text }, digest, size: text.length };
}

const layoutOf = (manifests: object[], ...blobs: File[]): File[] => [
  { name: "oci-layout", text: { imageLayoutVersion: "1.0.0" } },
  ...blobs,
  { name: "index.json", text: { schemaVersion: 2, manifests } },
];

test("a layout's documents are read up to a size, whatever its descriptors say of it", async () => {
  const huge = blobOf(" ".repeat(9 << 20));
  const lie = { digest: huge.digest, size: 100 };
  const message = `invalid archive: invalid image: content ${huge.digest} has 9437184 bytes, more than the 8388608 that may be read into memory`;
  const index = blobOf(JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: MediaType.ociManifest, ...lie }] }));
  for (const files of [
    layoutOf([{ mediaType: MediaType.ociManifest, ...lie }], huge.file),
    layoutOf([{ mediaType: MediaType.ociIndex, ...lie }], huge.file),
    layoutOf([lie], huge.file),
    layoutOf([{ mediaType: MediaType.ociIndex, digest: index.digest, size: index.size }], huge.file, index.file),
  ]) {
    const room = await imageRoom();
    await assert.rejects(load(room, await tarOf(files)), { kind: "invalidArgument", message });
    assert.equal(room.containerd.blobs.size + room.containerd.leaseResources.size, 0);
  }
  // What is no image of ours may have any config.
  const manifest = blobOf(JSON.stringify({ schemaVersion: 2, config: { mediaType: "x/y", ...lie }, layers: [] }));
  const artifact = { mediaType: MediaType.ociManifest, digest: manifest.digest, size: manifest.size };
  await assert.rejects(load(await imageRoom(), await tarOf(layoutOf([artifact], huge.file, manifest.file))), {
    message: "invalid archive: index.json names no image",
  });
});

test("an index that is in others thousands of times is read once", async () => {
  const config = blobOf(JSON.stringify({ os: "linux", rootfs: { diff_ids: [] } }));
  const { digest, size } = config;
  const image = blobOf(
    JSON.stringify({ schemaVersion: 2, config: { mediaType: MediaType.ociConfig, digest, size }, layers: [] }),
  );
  const blobs = [config.file, image.file];
  let inner = { mediaType: MediaType.ociManifest as string, digest: image.digest, size: image.size };
  for (let depth = 0; depth < 3; depth++) {
    const manifests = Array.from({ length: 4000 }, () => inner);
    const index = blobOf(JSON.stringify({ schemaVersion: 2, manifests }));
    inner = { mediaType: MediaType.ociIndex, digest: index.digest, size: index.size };
    blobs.push(index.file);
  }
  const room = await imageRoom();
  const [line] = await load(room, await tarOf(layoutOf([inner], ...blobs)));
  assert.deepEqual(line, { stream: `Loaded image ID: ${digest}\n` });
});

test("a file that is named by a digest that is here has the size of that", async () => {
  const room = await imageRoom();
  const layer = "a".repeat(9 << 20);
  await load(room, await tarOf(dockerArchive(["app:1"], layer)));
  const { digest } = blobOf(layer);
  const name = `blobs/sha256/${digest.slice(7)}`;
  const files = [
    { name, text: "{}" },
    { name: "manifest.json", text: [{ Config: name, RepoTags: [], Layers: [] }] },
  ];
  await assert.rejects(load(room, await tarOf(files)), {
    kind: "invalidArgument",
    message: `invalid archive: ${name} does not have the digest it is named by`,
  });
});

test("bytes that are no archive are refused", async () => {
  const room = await imageRoom();
  const tar = await tarOf(dockerArchive(["app:1"], "a"));
  for (const bytes of [
    new Uint8Array(),
    Buffer.from("nonsense".repeat(200)),
    tar.subarray(0, 700),
    gzipSync(tar).subarray(0, 100),
    Buffer.from("BZh91AY"),
  ]) {
    await assert.rejects(load(room, bytes), { kind: "invalidArgument", message: /^invalid archive/ });
  }
});

test("an archive that is compressed loads, and one that is damaged or ends early is refused, with its source left as it is", async () => {
  const tar = await tarOf(dockerArchive(["app:1"], randomBytes(3_000_000).toString("base64")));
  for (const [format, packed] of Object.entries({
    gzip: gzipSync(tar),
    zstd: zstdCompressSync(tar),
    bzip2: execFileSync("bzip2", { input: tar, maxBuffer: 1 << 26 }),
    xz: execFileSync("xz", ["-T1"], { input: tar, maxBuffer: 1 << 26 }),
  })) {
    const room = await imageRoom();
    assert.deepEqual(await load(room, packed), [{ stream: "Loaded image: app:1\n" }], format);
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 1_000_000, 1_001_000);
    for (const bytes of [packed.subarray(0, 2_000_000), packed.subarray(0, -3), packed.subarray(0, 10), damaged]) {
      const source = Readable.from([bytes.subarray(0, 1_500_000), bytes.subarray(1_500_000), Buffer.alloc(1000)], {
        objectMode: false,
      });
      await assert.rejects(
        room.images.load(source, { quiet: true }, () => undefined, new AbortController().signal),
        { kind: "invalidArgument", message: /^invalid (archive|diffID)/ },
        `${format}: ${bytes.length} bytes`,
      );
      assert.equal(source.errored, null);
    }
    assert.equal(room.containerd.leaseResources.size, 0);
  }
});

test("a load is cancelled while the client still sends", async () => {
  const room = await imageRoom();
  const stop = new AbortController();
  const stream = new PassThrough();
  stream.write((await tarOf(dockerArchive(["app:1"], "a".repeat(100_000)))).subarray(0, 50_000));
  const loading = room.images.load(stream, { quiet: true }, () => undefined, stop.signal);
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(loading, { kind: "cancelled" });
  assert.equal(room.containerd.leaseResources.size + room.containerd.blobs.size, 0);
});

test("what is saved is the same every time and loads again", async () => {
  const room = await imageRoom();
  await load(room, await tarOf(dockerArchive(["app:1"], "a", "b")));
  await load(room, await tarOf(dockerArchive(["app:2"], "a", "c")));
  const save = async (...refs: string[]): Promise<Buffer> =>
    Buffer.concat(
      await Array.fromAsync((await room.images.save(refs, {}, new AbortController().signal)) as AsyncIterable<Buffer>),
    );
  const saved = await save("app");
  assert.ok(saved.equals(await save("app")));
  const other = await imageRoom();
  assert.deepEqual(
    (await load(other, saved)).map(({ stream }) => stream),
    ["Loaded image: app:1\n", "Loaded image: app:2\n"],
  );
  const byId = await imageRoom();
  const [line] = await load(byId, await save((await room.images.resolve("app:2")).id));
  assert.equal(line?.stream, `Loaded image ID: ${(await room.images.resolve("app:2")).id}\n`);
  await assert.rejects(save("none"), { kind: "notFound", message: "No such image: none:latest" });
});

test("a client that goes away in the middle of a save leaves no lease behind", async () => {
  const room = await imageRoom();
  await load(room, await tarOf(dockerArchive(["app:1"], "a".repeat(3_000_000), "b".repeat(3_000_000))));
  const stop = new AbortController();
  const stream = await room.images.save(["app:1"], {}, stop.signal);
  await new Promise((resolve) => stream.once("data", resolve));
  assert.equal(room.containerd.leaseResources.size, 1);
  stream.destroy();
  const deadline = Date.now() + 15_000;
  while (room.containerd.leaseResources.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(room.containerd.leaseResources.size, 0);
});

test("an archive names no image by a digest that is not its own", async () => {
  const pinned = `official@${digestOf("another image")}`;
  const room = await imageRoom();
  await assert.rejects(load(room, await tarOf(dockerArchive([pinned], "a"))), {
    kind: "invalidArgument",
    message: `invalid archive: invalid tag "${pinned}": the image has another digest, or none`,
  });
  // dockerd keeps the tag of the two.
  const lines = await load(room, await tarOf(dockerArchive([pinned.replace("@", ":1.0@")], "a")));
  assert.deepEqual(lines.at(-1), { stream: "Loaded image: official:1.0\n" });
  assert.equal(room.containerd.records.size, 1);
  await assert.rejects(room.images.resolve(pinned), { kind: "notFound" });
});
