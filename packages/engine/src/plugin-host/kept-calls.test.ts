import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonBytes } from "./json-bytes.ts";
import { keptCalls } from "./kept-calls.ts";
import { PluginTrace, type TraceEntry } from "./trace.ts";

const call = (sequence: number, error = ""): TraceEntry => ({
  sequence,
  time: "",
  plugin: "p",
  version: "1.0.0",
  point: "container.preCreate",
  durationMs: 1,
  outcome: "failed",
  error,
});

test("of a container's calls the first and the last are kept, and the gap says how many are not there", () => {
  const kept = keptCalls(Array.from({ length: 100 }, (_, index) => call(index)));
  assert.deepEqual(
    kept.map(({ sequence }) => sequence),
    [...Array.from({ length: 32 }, (_, index) => index), ...Array.from({ length: 32 }, (_, index) => 68 + index)],
  );
  assert.deepEqual(
    kept.filter(({ leftOut }) => leftOut !== undefined).map(({ sequence, leftOut }) => [sequence, leftOut]),
    [[68, 36]],
  );
});

test("calls that say much are kept by their bytes, in memory and in a record", () => {
  const calls = Array.from({ length: 40 }, (_, index) => call(index, "é\n".repeat(8000)));
  const kept = keptCalls(calls);
  assert.ok(Buffer.byteLength(JSON.stringify(kept)) <= 256 * 1024);
  assert.deepEqual([kept[0]?.sequence, kept.at(-1)?.sequence], [0, 39]);
  assert.equal(kept.length + (kept.find(({ leftOut }) => leftOut !== undefined)?.leftOut ?? 0), 40);
  assert.deepEqual(keptCalls(kept), kept, "what a record has is taken up as it is");
});

test("all calls together have an end in bytes", () => {
  const trace = new PluginTrace();
  const patch = [{ op: "add", path: "/Labels/x", value: "€".repeat(10_000) }] as const;
  for (let round = 0; round < 512; round += 1)
    trace.record({
      time: "",
      plugin: "p",
      version: "1.0.0",
      point: "container.preCreate",
      durationMs: 1,
      outcome: "changed",
      patch: [...patch],
      container: { name: "n".repeat(100_000) },
    });
  const told = JSON.stringify(trace.last({ reveal: true }));
  assert.ok(Buffer.byteLength(told) <= 8 * 1024 * 1024, `${Buffer.byteLength(told)} bytes`);
  assert.ok(trace.last().length > 200);
  assert.equal(trace.last().at(-1)?.sequence, 512);
});

test("the bytes of JSON are counted without making it", () => {
  for (const value of [
    "",
    "plain",
    '"',
    "\\",
    "\n",
    "€",
    "\u0001",
    1.5,
    -1,
    true,
    null,
    [],
    [1, "a"],
    {},
    { a: { "b\n": ["€"] } },
  ]) {
    const exact = Buffer.byteLength(JSON.stringify(value));
    const counted = jsonBytes(value);
    assert.ok(counted >= exact && counted <= exact + 4, `${JSON.stringify(value)}: ${counted}, ${exact} in truth`);
  }
});
