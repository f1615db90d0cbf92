import assert from "node:assert/strict";
import { test } from "node:test";
import { LastLines } from "./last-lines.ts";

test("the last lines are kept, bounded in number and in bytes", () => {
  const lines = new LastLines();
  assert.equal(lines.text, "");
  for (let line = 1; line <= 30; line += 1) lines.push(String(line));
  assert.deepEqual(
    lines.text.split("\n"),
    Array.from({ length: 20 }, (_, index) => String(index + 11)),
  );
  lines.push("x".repeat(3000));
  lines.push("y".repeat(3000));
  assert.equal(lines.text, "y".repeat(3000));
  lines.push("z".repeat(8000));
  assert.equal(lines.text, "z".repeat(4096));
});
