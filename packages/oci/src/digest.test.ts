import assert from "node:assert/strict";
import { test } from "node:test";
import { chainIdOf, chainIdsOf } from "./chain-id.ts";
import { digestOf, isDigest, matchesDigest, shortId } from "./digest.ts";

const emptySha256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("a digest names its bytes and no others", () => {
  assert.equal(digestOf(""), emptySha256);
  assert.ok(matchesDigest(new Uint8Array(), emptySha256));
  assert.ok(!matchesDigest(new Uint8Array([0]), emptySha256));
  assert.equal(shortId(emptySha256), "e3b0c44298fc");
});

test("only complete digests of known algorithms are digests", () => {
  assert.ok(isDigest(emptySha256));
  assert.ok(isDigest(`sha512:${"a".repeat(128)}`));
  for (const text of [
    "sha256:abc",
    `md5:${"a".repeat(32)}`,
    emptySha256.toUpperCase(),
    "a".repeat(64),
    `sha256:${"g".repeat(64)}`,
    `sha256:${"a".repeat(63)}/`,
  ]) {
    assert.ok(!isDigest(text), text);
  }
});

test("the chain id of a stack is the digest of the chain below and the layer's diff id", () => {
  const a = digestOf("a");
  const b = digestOf("b");
  const c = digestOf("c");
  const ab = digestOf(`${a} ${b}`);
  assert.deepEqual(chainIdsOf([a, b, c]), [a, ab, digestOf(`${ab} ${c}`)]);
  assert.equal(chainIdOf([a, b]), ab);
  assert.equal(chainIdOf([]), "");
});
