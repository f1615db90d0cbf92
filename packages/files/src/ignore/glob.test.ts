import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGlob } from "./glob.ts";
import { IgnoreRules } from "./ignore-rules.ts";

const table: [pattern: string, matching: string[], other: string[]][] = [
  ["a*c", ["ac", "abc", "abbc"], ["ab", "a/c", "xabc"]],
  ["?b", ["ab", "äb"], ["b", "/b", "aab"]],
  ["[a-c]x[^0-9]", ["axy", "cxz"], ["dxy", "ax1", "ax", "ax/"]],
  ["\\*[\\]x]", ["*]", "*x"], ["a]", "*"]],
  ["d/*", ["d/a"], ["d", "d/a/b"]],
  ["**", ["a"], ["a/b"]],
];

test("names match patterns as Go's filepath.Match has it", () => {
  for (const [pattern, matching, other] of table) {
    const glob = compileGlob(pattern);
    for (const name of matching) assert.ok(glob.matches(name), `${pattern} ${name}`);
    for (const name of other) assert.ok(!glob.matches(name), `${pattern} ${name}`);
  }
  for (const bad of ["[", "[]", "[a", "[a-", "[a-]", "x\\"])
    assert.throws(() => compileGlob(bad), /syntax error in pattern/, bad);
});

test("two stars stand for any number of folders where they may", () => {
  const cases: [string, string[], string[]][] = [
    ["**/x", ["x", "a/x", "a/b/x"], ["ax", "a/bx"]],
    ["a/**/x", ["a/x", "a/b/x", "a/b/c/x"], ["a/bx", "x"]],
    ["a/**", ["a/b", "a/b/c", "a/"], ["b/a"]],
    ["**.go", ["x.go", "a/x.go"], ["x.gone"]],
  ];
  for (const [pattern, matching, other] of cases) {
    const glob = compileGlob(pattern, { deep: true });
    for (const name of matching) assert.ok(glob.matches(name), `${pattern} ${name}`);
    for (const name of other) assert.ok(!glob.matches(name), `${pattern} ${name}`);
  }
});

test("a pattern that was written to take for ever does not", () => {
  assert.ok(!compileGlob(`${"a*".repeat(200)}b`).matches("a".repeat(2000)));
});

test("the last rule that matches a path or a folder above it says whether it is left out", () => {
  const rules = new IgnoreRules([
    "# comment",
    "",
    " /node_modules/ ",
    "**/*.log",
    "!keep.log",
    "docs",
    "!docs/a.md",
    "./x/../y",
    "!",
  ]);
  const ignored = ["node_modules", "node_modules/a/b", "a.log", "d/b.log", "docs/b.md", "y/z"];
  const taken = ["keep.log", "docs/a.md", "a", "x", "sub/node_modules", "# comment"];
  assert.deepEqual(
    ignored.filter((path) => !rules.ignores(path)),
    [],
  );
  assert.deepEqual(
    taken.filter((path) => rules.ignores(path)),
    [],
  );
  assert.ok(rules.takesAgain);
  assert.ok(new IgnoreRules(["# nothing", "."]).isEmpty);
});
