import assert from "node:assert/strict";
import { test } from "node:test";
import { pathPattern } from "./path-pattern.ts";

test("a pattern fits names as Go's path.Match has it", () => {
  const fits: [string, string, boolean][] = [
    ["b*", "busybox", true],
    ["b*", "busybox/a", false],
    ["*/*", "a/b", true],
    ["bus?box", "busybox", true],
    ["bus?box", "bus/box", false],
    ["[a-c]x", "bx", true],
    ["[^a-c]x", "bx", false],
    ["[^a]x", "/x", true],
    ["[c-a]x", "bx", false],
    ["[\\-]x", "-x", true],
    ["[.^]x", "^x", true],
    ["a.b", "axb", false],
    ["\\*", "*", true],
    ["a(b)+", "a(b)+", true],
    ["", "", true],
  ];
  for (const [pattern, name, expected] of fits) assert.equal(pathPattern(pattern).test(name), expected, `${pattern} on ${name}`);
});

test("a pattern that is none is refused in Go's words", () => {
  for (const pattern of ["[", "a[", "[]", "[^]", "[a", "[a-", "[a-]", "[-a]", "[\\", "\\"])
    assert.throws(() => pathPattern(pattern), { kind: "invalidArgument", message: "syntax error in pattern" }, pattern);
});
