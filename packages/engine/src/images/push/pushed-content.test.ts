import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { FakeContainerd } from "../testing/fake-containerd.ts";
import { contentOfIndex } from "./pushed-content.ts";

/** An index of manifests that say different things of the same layers, again and again. */
function indexIn(
  containerd: FakeContainerd,
  manifests: number,
  layers: number,
): { mediaType: string; digest: string; size: number } {
  const add = (mediaType: string, content: string): { mediaType: string; digest: string; size: number } => {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    containerd.blobs.set(digest, { bytes, labels: {} });
    return { mediaType, digest, size: bytes.length };
  };
  const two = ["a", "b"].map((text) => add(MediaType.ociLayer, text));
  const named = Array.from({ length: manifests }, (_, index) => {
    const manifest = {
      schemaVersion: 2,
      annotations: { index: String(index) },
      config: add(MediaType.ociConfig, "{}"),
      layers: Array.from({ length: layers }, (_, layer) => two[layer % 2]),
    };
    return add(MediaType.ociManifest, JSON.stringify(manifest));
  });
  return add(MediaType.ociIndex, JSON.stringify({ schemaVersion: 2, manifests: named }));
}

function countedCalls(containerd: FakeContainerd): { count: number } {
  const calls = { count: 0 };
  const info = containerd.content.info.bind(containerd.content);
  containerd.content.info = (...given) => {
    calls.count += 1;
    return info(...given);
  };
  return calls;
}

test("what an index names many times is looked for once", async () => {
  const containerd = new FakeContainerd();
  const index = indexIn(containerd, 20, 100);
  const calls = countedCalls(containerd);
  const content = await contentOfIndex(containerd, index, new AbortController().signal);
  assert.deepEqual([content?.layers.length, content?.configs.length, content?.behind.length], [2, 1, 20]);
  // The index, its manifests, their config and the two layers.
  assert.equal(calls.count, 1 + 20 + 1 + 2);
});

test("a push that is given up looks for no more", async () => {
  const containerd = new FakeContainerd();
  const index = indexIn(containerd, 20, 100);
  const stop = new AbortController();
  const calls = countedCalls(containerd);
  const readAll = containerd.content.readAll.bind(containerd.content);
  containerd.content.readAll = (...given) => {
    if (calls.count === 6) stop.abort();
    return readAll(...given);
  };
  await assert.rejects(contentOfIndex(containerd, index, stop.signal), { name: "AbortError" });
  assert.equal(calls.count, 6);
});
