import assert from "node:assert/strict";
import { test } from "node:test";
import { legible, legibleLine } from "./legible.ts";

const hostile = "a\u001b[2J\r\u0007\u007f\u009b1m\u202eb\u2066c\u2069";

test("what a terminal would act on is shown", () => {
  assert.equal(legible(hostile), String.raw`a\u001b[2J\u000d\u0007\u007f\u009b1m\u202eb\u2066c\u2069`);
  assert.equal(legible("one\ttwo\nläßt 端末 👩‍👧 שלום"), "one\ttwo\nläßt 端末 👩‍👧 שלום");
});

test("what has one line to itself cannot begin another", () => {
  assert.equal(legibleLine("one\ttwo\nthree"), String.raw`one\u0009two\u000athree`);
});

test("a JSON text keeps its meaning", () => {
  const value = { [hostile]: [hostile] };
  assert.deepEqual(JSON.parse(legible(JSON.stringify(value, undefined, 2))), value);
});
