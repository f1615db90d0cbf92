import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageDocuments } from "../store/image-documents.ts";
import { keysAnnotation, keysOf, stepKey, stepOf } from "./step-keys.ts";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** A base of one layer, then a step without a layer and two with one. */
function documents(annotations: Record<string, string> | undefined): ImageDocuments {
  const layer = (letter: string) => ({ mediaType: "layer", digest: digest(letter), size: 1 });
  return {
    manifestDescriptor: layer("f"),
    manifest: {
      schemaVersion: 2,
      config: layer("0"),
      layers: ["a", "b", "c"].map(layer),
      ...(annotations && { annotations }),
    },
    config: {
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: ["1", "2", "3"].map(digest) },
      history: [{ created_by: "base" }, { created_by: "env", empty_layer: true }, { created_by: "run" }, { created_by: "copy" }],
    },
  };
}

test("a key tells of everything a step was made of", () => {
  const key = stepKey("base", [], ["RUN", "x"]);
  assert.equal(key, stepKey("base", [], ["RUN", "x"]));
  const others = [stepKey("other", [], ["RUN", "x"]), stepKey("base", ["k"], ["RUN", "x"]), stepKey("base", [], ["RUN x"])];
  assert.ok(!others.includes(key));
});

test("an image's step is found with its own place in the history and its own layer", () => {
  const image = documents(keysAnnotation(["k1", "k2", "k3"]));
  assert.deepEqual(stepOf(image, "k1"), { history: { created_by: "env", empty_layer: true }, layer: undefined });
  const second = stepOf(image, "k2");
  assert.deepEqual(
    [second?.history.created_by, second?.layer?.descriptor.digest, second?.layer?.diffId],
    ["run", digest("b"), digest("2")],
  );
  assert.equal(stepOf(image, "k3")?.layer?.diffId, digest("3"));
  assert.equal(stepOf(image, "k4"), undefined);
});

test("what is no list of keys, or has more of them than the history has steps, is none", () => {
  for (const text of ["", "{}", "[1]", "["])
    assert.deepEqual(keysOf(documents({ "io.pouchcontainer.build.steps": text }).manifest), []);
  assert.equal(stepOf(documents(keysAnnotation(["a", "b", "c", "d", "k"])), "k"), undefined);
  assert.equal(stepOf(documents(undefined), "k"), undefined);
});
