import assert from "node:assert/strict";
import { test } from "node:test";
import { linearPattern } from "./linear-pattern.ts";

test("a pattern made to backtrack for ever answers", () => {
  const text = `${"a".repeat(100_000)}b`;
  for (const pattern of ["(a+)+$", "^(a|a)*$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
    assert.equal(linearPattern(pattern).test(text), false);
});

test("what cannot be matched in linear time, or is no pattern, or too long, is refused", () => {
  for (const pattern of ["(?=a)a", "(a)\\1", "(a{1000}){1000}", "[", "a".repeat(5000)])
    assert.throws(() => linearPattern(pattern), SyntaxError, pattern);
});

test("anchors, classes and alternatives are as everywhere", () => {
  assert.deepEqual(
    ["^/?web$", "[0-9]+\\.", "one|two", "\\bb\\b"].map((pattern) => linearPattern(pattern).test("/web")),
    [true, false, false, false],
  );
});
