import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "./challenge.ts";

test("challenges are read with quoted commas, escapes and several schemes", () => {
  assert.deepEqual(parseChallenges('Bearer realm="https://a/t?x=1,2",service="s \\"q\\"",scope=pull, Basic realm="r"'), [
    { scheme: "bearer", parameters: { realm: "https://a/t?x=1,2", service: 's "q"', scope: "pull" } },
    { scheme: "basic", parameters: { realm: "r" } },
  ]);
  assert.deepEqual(parseChallenges("Negotiate"), [{ scheme: "negotiate", parameters: {} }]);
  assert.deepEqual(parseChallenges(""), []);
  assert.deepEqual(parseChallenges("=,=,"), []);
});
