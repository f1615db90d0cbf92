import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldPatterns, step, type Reach } from "./field-patterns.ts";

function isGranted(patterns: readonly string[], ...names: string[]): boolean {
  const compiled = new FieldPatterns(patterns);
  return names.reduce<Reach>(step, compiled.start) === "granted";
}

for (const [pattern, names, granted] of [
  ["HostConfig.Memory", ["HostConfig", "Memory"], true],
  ["HostConfig.Memory", ["HostConfig", "MemorySwap"], false],
  ["HostConfig.Memory", ["HostConfig"], false],
  ["HostConfig.Memory", ["hostconfig", "memory"], false],
  ["HostConfig.LogConfig", ["HostConfig", "LogConfig", "Config", "max-size"], true],
  ["HostConfig.*", ["HostConfig", "Privileged"], true],
  ["HostConfig.*", ["HostConfigs", "Privileged"], false],
  ["HostConfig.Memory*", ["HostConfig", "MemorySwap"], true],
  ["*.Memory", ["HostConfig", "Memory"], true],
  ["*.Memory", ["HostConfig", "Resources", "Memory"], false],
  ["*", ["anything", "at", "all"], true],
  ["Env.LEGACY_*", ["Env", "LEGACY_MEM"], true],
  ["Env.LEGACY_*", ["Env", "LD_PRELOAD"], false],
  ["Env.*_MEM", ["Env", "LEGACY_MEM"], true],
  ["Labels.com.example.team", ["Labels", "com.example.team"], true],
  ["Labels.com.example.team", ["Labels", "com.example.team.lead"], false],
  ["Labels.com.example.team", ["Labels", "com.example"], false],
  ["Labels.com.example.*", ["Labels", "com.example.team.lead"], true],
  ["Labels.com.*.team", ["Labels", "com.example.team"], true],
  ["Labels.com.*.team", ["Labels", "com.example.sub.team"], false],
  ["Labels.*", ["Labels", "com.example.team"], true],
  ["Labels.io.kubernetes/name", ["Labels", "io.kubernetes/name"], true],
] as const) {
  test(`"${pattern}" ${granted ? "grants" : "does not grant"} ${names.join(" / ")}`, () => {
    assert.equal(isGranted([pattern], ...names), granted);
  });
}

test("several patterns are one tree: each grants what it grants alone", () => {
  const patterns = ["HostConfig.Memory", "HostConfig.Cpu*", "Env.A", "Labels.a.*", "Labels.*.b"];
  assert.deepEqual(
    [
      isGranted(patterns, "HostConfig", "CpuShares"),
      isGranted(patterns, "Labels", "a.x"),
      isGranted(patterns, "Labels", "c.b"),
      isGranted(patterns, "Labels", "c.d"),
      isGranted(patterns, "Env", "B"),
    ],
    [true, true, true, false, false],
  );
});

for (const [granted, pattern, covered] of [
  ["HostConfig.Memory", "HostConfig.Memory", true],
  ["HostConfig.*", "HostConfig.Memory", true],
  ["HostConfig.*", "HostConfig.Memory*", true],
  ["HostConfig.Memory*", "HostConfig.*", false],
  ["*", "Env.*", true],
  ["Env.*", "*", false],
  ["Env.LEGACY_*", "Env.LEGACY_MEM", true],
  ["Env.LEGACY_*", "Env.LEGACY", false],
  ["Labels.com", "Labels.com.example", false],
  ["Labels.*.team", "Labels.com.*", false],
  ["Labels.*.team", "Labels.*.team", true],
] as const) {
  test(`who was granted "${granted}" ${covered ? "asks for nothing new" : "asks for more"} with "${pattern}"`, () => {
    assert.equal(new FieldPatterns([granted]).covers(pattern), covered);
  });
}

test("a pattern of many stars and a name that nearly matches it take no time that anyone notices", () => {
  const pattern = `Labels.${"a*".repeat(120)}b`;
  assert.equal(isGranted([pattern], "Labels", "a".repeat(8000)), false);
});
