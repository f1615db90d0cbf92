import assert from "node:assert/strict";
import { test } from "node:test";
import { MarkedOutput } from "./marked-output.ts";
import { readMark, type MarkedLine } from "./shared-process.ts";

function sent(): { output: MarkedOutput; lines: () => (string | MarkedLine)[] } {
  let all = "";
  const output = new MarkedOutput("k1", (text) => (all += text));
  return {
    output,
    lines: () => {
      assert.ok(all === "" || all.endsWith("\n"), "whole lines go out");
      const lines = all.split("\n").slice(0, -1);
      all = "";
      return lines.map((line) => readMark(line) ?? line);
    },
  };
}

test("lines go out when they have an end, with the mark", () => {
  const { output, lines } = sent();
  output.write("one\ntw");
  assert.deepEqual(lines(), [{ key: "k1", says: "words", words: "one" }]);
  output.write(Buffer.from("o ä").subarray(0, 3));
  output.write(Buffer.from("o ä").subarray(3));
  assert.deepEqual(lines(), []);
  output.write("\n\n");
  assert.deepEqual(
    lines(),
    ["two ä", ""].map((words) => ({ key: "k1", says: "words", words })),
  );
});

test("a last line without an end goes out with the end of all lines", () => {
  const { output, lines } = sent();
  output.write("half");
  output.end();
  assert.deepEqual(lines(), [
    { key: "k1", says: "words", words: "half" },
    { key: "k1", says: "no more" },
  ]);
});

test("a line that never ends is not held back without bound", () => {
  const { output, lines } = sent();
  for (let round = 0; round < 100; round += 1) output.write("x".repeat(1024));
  assert.equal(lines().length, 1);
});

test("what was marked reads as it was, marks in it and all; what was not has none", () => {
  const { output, lines } = sent();
  for (const text of ["\u001eother\u001fforged", "ends with \u0004", "\u001f"]) {
    output.write(`${text}\n`);
    assert.deepEqual(lines(), [{ key: "k1", says: "words", words: text }]);
  }
  for (const line of ["plain", "", "\u001ehalf a mark"]) assert.equal(readMark(line), undefined);
});
