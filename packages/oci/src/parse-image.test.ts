import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "./digest.ts";
import { detectCompression, isIndexType, isLayerType, MediaType } from "./media-types.ts";
import { InvalidImageError, parseImageConfig, parseIndex, parseManifest, sniffDocument } from "./parse-image.ts";

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const descriptor = (mediaType: string): object => ({ mediaType, digest: digestOf(mediaType), size: 7 });
const manifest = {
  schemaVersion: 2,
  mediaType: MediaType.dockerManifest,
  config: descriptor(MediaType.dockerConfig),
  layers: [descriptor(MediaType.dockerLayerGzip)],
};

test("a manifest and an index are read", () => {
  assert.equal(parseManifest(json(manifest)).layers[0]?.mediaType, MediaType.dockerLayerGzip);
  const item = { ...descriptor(MediaType.ociManifest), platform: { os: "linux", architecture: "arm64", variant: "v8" } };
  assert.equal(parseIndex(json({ schemaVersion: 2, manifests: [item] })).manifests[0]?.platform?.variant, "v8");
  assert.equal(sniffDocument(json(manifest)), "manifest");
  assert.equal(sniffDocument(json({ schemaVersion: 2, manifests: [] })), "index");
  assert.equal(sniffDocument(json({ schemaVersion: 1 })), "schema1");
});

test("hostile manifests are refused", () => {
  const bad: unknown[] = [
    null,
    [],
    { ...manifest, schemaVersion: 1 },
    { ...manifest, layers: "x" },
    { ...manifest, config: null },
    { ...manifest, config: { ...manifest.config, digest: "sha256:../../etc/passwd" } },
    { ...manifest, config: { ...manifest.config, size: -1 } },
    { ...manifest, config: { ...manifest.config, size: 1e300 } },
    { ...manifest, layers: Array.from({ length: 1025 }, () => manifest.layers[0]) },
  ];
  for (const value of bad)
    assert.throws(() => parseManifest(json(value)), InvalidImageError, JSON.stringify(value)?.slice(0, 100));
  assert.throws(() => parseManifest(new Uint8Array([0xff, 0xfe])), InvalidImageError);
});

test("an image config is read, and refused where its fields have wrong types", () => {
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Env: ["A=b"], Cmd: null },
    rootfs: { type: "layers", diff_ids: [digestOf("a")] },
  };
  assert.deepEqual(parseImageConfig(json(config)).config?.Env, ["A=b"]);
  assert.equal(parseImageConfig(json({ rootfs: { diff_ids: null } })).os, "linux");
  const bad: unknown[] = [
    {},
    { ...config, rootfs: { diff_ids: ["x"] } },
    { ...config, config: { Env: "A=b" } },
    { ...config, config: { Labels: { a: 1 } } },
    { ...config, config: { ExposedPorts: { "80/tcp": 5 } } },
    { ...config, config: { Volumes: { "/data": "x" } } },
    { ...config, config: { Healthcheck: { Test: "true" } } },
    { ...config, config: { Healthcheck: { Interval: "5s" } } },
    { ...config, config: { User: {} } },
    { ...config, os: 3 },
    { ...config, history: [1] },
    { ...config, history: [{ created: 5 }] },
    { ...config, history: [{ created_by: {} }] },
    { ...config, history: [{ comment: [] }] },
    { ...config, history: [{ empty_layer: "x" }] },
  ];
  for (const value of bad) assert.throws(() => parseImageConfig(json(value)), InvalidImageError, JSON.stringify(value));
});

test("a document that is too much work to read is refused before it is", () => {
  const labels = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, ""]));
  const config = { rootfs: { diff_ids: [] } };
  assert.equal(
    Object.keys(parseImageConfig(json({ ...config, config: { Labels: labels(19_000) } })).config?.Labels ?? {}).length,
    19_000,
  );
  for (const [read, document, message] of [
    [parseImageConfig, { ...config, config: { Labels: labels(20_001) } }, "invalid image config: it has more than 20000 values"],
    [
      parseImageConfig,
      { ...config, x: Array.from({ length: 20_001 }, () => []) },
      "invalid image config: it has more than 20000 values",
    ],
    [parseManifest, { ...manifest, annotations: labels(20_001) }, "invalid image manifest: it has more than 20000 values"],
    [parseIndex, { schemaVersion: 2, manifests: [], x: labels(50_000) }, "invalid image index: it has more than 49152 values"],
    [sniffDocument, labels(50_000), "invalid image manifest: it has more than 49152 values"],
  ] as const)
    assert.throws(() => read(json(document)), { name: "InvalidImageError", message });
  const nested = new TextEncoder().encode(`{"x":${"[".repeat(1001)}${"]".repeat(1001)}}`);
  assert.throws(() => parseImageConfig(nested), { message: "invalid image config: it is nested deeper than 1000 levels" });
});

test("an index may have as many manifests as are allowed, each with what builders say of it", () => {
  const item = {
    ...descriptor(MediaType.ociManifest),
    platform: { os: "linux", architecture: "arm", variant: "v7" },
    annotations: { "vnd.docker.reference.digest": digestOf("x"), "vnd.docker.reference.type": "attestation-manifest" },
  };
  assert.equal(
    parseIndex(json({ schemaVersion: 2, manifests: Array.from({ length: 4096 }, () => item) })).manifests.length,
    4096,
  );
});

test("of a config only what is asked for stays in memory", () => {
  const known = { os: "linux", architecture: "arm", variant: "v7", created: "2024-01-01T00:00:00Z", "os.version": "1" };
  const rootfs = { type: "layers", diff_ids: [digestOf("a")] };
  assert.deepEqual(parseImageConfig(json({ ...known, author: null, rootfs, container_config: { Cmd: ["x"] } })), {
    ...known,
    rootfs,
  });
});

test("compression is told by the first bytes", () => {
  assert.equal(detectCompression(new Uint8Array([0x1f, 0x8b, 8])), "gzip");
  assert.equal(detectCompression(new Uint8Array([0x28, 0xb5, 0x2f, 0xfd])), "zstd");
  assert.equal(detectCompression(new Uint8Array([0x42, 0x5a, 0x68])), "bzip2");
  assert.equal(detectCompression(new Uint8Array()), "none");
});

test("media types are told apart", () => {
  assert.ok(isLayerType(MediaType.ociLayerZstd) && isLayerType(MediaType.dockerForeignLayerGzip));
  assert.ok(!isLayerType("application/vnd.in-toto+json") && !isLayerType(MediaType.ociConfig));
  assert.ok(isIndexType(MediaType.dockerManifestList));
});
