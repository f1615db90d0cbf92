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
