import assert from "node:assert/strict";
import { test } from "node:test";
import { compileFilters, compileRouteFilter } from "./filters.ts";

test("no filter means that every call concerns the plugin", () => {
  assert.equal(compileFilters({}), undefined);
});

test("env filters match by name, by name pattern and by value", () => {
  const filter = compileFilters({ env: ["LEGACY_*", "MODE=old*"] });
  assert.equal(filter?.({ env: ["LEGACY_MEM=64m"] }), true);
  assert.equal(filter?.({ env: ["MODE=oldest"] }), true);
  assert.equal(filter?.({ env: ["MODE=new", "XLEGACY_MEM=1"] }), false);
});

test("all lists have to match, one entry of each is enough", () => {
  const filter = compileFilters({ labels: ["team=a", "team=b"], images: ["*/library/*:1.*"] });
  assert.equal(filter?.({ labels: { team: "b" }, image: "docker.io/library/busybox:1.36" }), true);
  assert.equal(filter?.({ labels: { team: "c" }, image: "docker.io/library/busybox:1.36" }), false);
  assert.equal(filter?.({ labels: { team: "a" }, image: "docker.io/library/busybox:2" }), false);
});

test("a list that the point knows nothing about does not count", () => {
  assert.equal(compileFilters({ labels: ["team"] })?.({ image: "busybox" }), true);
});

test("characters of regular expressions stand for themselves", () => {
  assert.equal(compileFilters({ images: ["a.b*c+"] })?.({ image: "a.bxxc+" }), true);
  assert.equal(compileFilters({ images: ["a.b*c+"] })?.({ image: "axbxxcc" }), false);
});

test("route filters match method and path", () => {
  const filter = compileRouteFilter({ routes: ["* /containers/*", "GET /info"] });
  assert.equal(filter("POST", "/containers/create"), true);
  assert.equal(filter("GET", "/info"), true);
  assert.equal(filter("POST", "/info"), false);
});

test("a run of any length, also of none, is between two parts, and no part is used twice", () => {
  const matches = (pattern: string, text: string) => compileFilters({ images: [pattern] })?.({ image: text });
  for (const [pattern, text, expected] of [
    ["*", "", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["*ab*ab", "ab", false],
    ["*ab*ab", "abab", true],
    ["a*b*c", "a\nb\nc", true],
    ["a**c", "ac", true],
    ["*x*", "axa", true],
    ["a*bc*c", "abc", false],
    ["A*", "a", false],
  ] as const)
    assert.equal(matches(pattern, text), expected, `${pattern} on ${JSON.stringify(text)}`);
  assert.equal(matches(`*${"x".repeat(5000)}`, "y"), false);
});
