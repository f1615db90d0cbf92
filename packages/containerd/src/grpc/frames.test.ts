import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameReader, frame, frameHead } from "./frames.ts";

const texts = (messages: Uint8Array[]) => messages.map((message) => Buffer.from(message).toString());

test("messages come out whole however the stream was cut", () => {
  const wire = Buffer.concat([frame(Buffer.from("one")), frame(Buffer.alloc(0)), frame(Buffer.from("three"))]);
  for (let size = 1; size <= wire.length; size += 1) {
    const reader = new FrameReader(1024);
    const messages: Uint8Array[] = [];
    for (let start = 0; start < wire.length; start += size) messages.push(...reader.push(wire.subarray(start, start + size)));
    assert.deepEqual(texts(messages), ["one", "", "three"], `cut every ${size} bytes`);
    assert.equal(reader.complete, true);
  }
});

test("a message in pieces has one prefix with the length of all of them", () => {
  const reader = new FrameReader(1024);
  const messages = reader.push(Buffer.concat([frameHead(Buffer.from("he"), 3), Buffer.from("llo")]));
  assert.deepEqual(texts(messages), ["hello"]);
});

test("a stream that ends within a message is not complete", () => {
  const reader = new FrameReader(1024);
  reader.push(frame(Buffer.from("hello")).subarray(0, 7));
  assert.equal(reader.complete, false);
});

test("a message over the limit is refused by its length alone, before it is read", () => {
  const reader = new FrameReader(10);
  assert.throws(() => reader.push(frame(Buffer.alloc(11)).subarray(0, 5)), { kind: "resourceExhausted" });
});

test("a compressed message is refused: none was asked for", () => {
  const compressed = frame(Buffer.from("x"));
  compressed[0] = 1;
  assert.throws(() => new FrameReader(10).push(compressed), { kind: "internal" });
});
