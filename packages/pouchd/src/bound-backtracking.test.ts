import assert from "node:assert/strict";
import { test } from "node:test";
import { boundBacktracking } from "./bound-backtracking.ts";

test("a pattern that would backtrack for ever ends", () => {
  boundBacktracking();
  // Without the net this takes longer than anybody waits.
  assert.equal(/^(([a-z])+.)+[A-Z]([a-z])+$/.test("a".repeat(100)), false);
  assert.equal(new RegExp("(a+)+$").test(`${"a".repeat(100)}b`), false);
});
