import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, nearest } from "./suggest.ts";

test("a swap of neighbours is one slip", () => {
  assert.equal(editDistance("sotp", "stop"), 1);
  assert.equal(editDistance("kitten", "sitting"), 3);
});

test("the nearest word is found, a far one is not offered", () => {
  assert.equal(nearest("imagse", ["images", "image ls", "info"]), "images");
  assert.equal(nearest("zzz", ["images", "info"]), undefined);
});
