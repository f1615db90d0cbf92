import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeOutput, errorFrame } from "./stdcopy.ts";

test("a frame is stream, three zeros, length, data", () => {
  const data = Buffer.alloc(0x010203, 7);
  const framed = Buffer.from(encodeOutput({ stream: "stderr", data }, false));
  assert.deepEqual([...framed.subarray(0, 8)], [2, 0, 0, 0, 0, 1, 2, 3]);
  assert.deepEqual(framed.subarray(8), data);
});

test("messages that come together are a frame each", () => {
  const together = encodeOutput({ stream: "stdout", data: Buffer.from("one\ntwo\nß\n"), ends: [4, 8, 11] }, false);
  const each = ["one\n", "two\n", "ß\n"].map((text) => encodeOutput({ stream: "stdout", data: Buffer.from(text) }, false));
  assert.deepEqual(together, Buffer.concat(each));
});

test("with a TTY output is bare", () => {
  const data = Buffer.from("x");
  assert.equal(encodeOutput({ stream: "stdout", data }, true), data);
});

test("an error has a stream number of its own", () => {
  assert.deepEqual([...errorFrame("no")], [3, 0, 0, 0, 0, 0, 0, 2, 110, 111]);
});
