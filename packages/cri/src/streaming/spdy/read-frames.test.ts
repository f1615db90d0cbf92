import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { dataHeader, ping, synReply } from "./frames.ts";
import { readFrames } from "./read-frames.ts";

const wire = Buffer.concat([dataHeader(5, 5, false), Buffer.from("hello"), ping(3), dataHeader(7, 0, true), synReply(1, true)]);

async function framesIn(chunks: Buffer[]) {
  const frames = await Array.fromAsync(readFrames(Readable.from(chunks)));
  // Parts of a payload are put together again.
  const texts = frames.map((frame) => (frame.type === "data" ? frame.chunk.toString() : `control ${frame.kind}`));
  return { text: texts.join(" ").replace(/(\b\w) (?=\w\b)/g, "$1"), last: frames.at(-1) };
}

test("frames are read however they are cut", async () => {
  for (const size of [1, 3, 8, wire.length]) {
    const chunks = Array.from({ length: Math.ceil(wire.length / size) }, (_, index) =>
      wire.subarray(index * size, (index + 1) * size),
    );
    const { text, last } = await framesIn(chunks);
    assert.match(text.replaceAll(" ", ""), /^hellocontrol6control2$/, `in pieces of ${size}`);
    assert.ok(last?.type === "control" && last.body.readUInt32BE(0) === 1);
  }
});

test("the end of a stream comes with the last part of its data", async () => {
  const [head, body] = [dataHeader(5, 4, true), Buffer.from("hell")];
  const parts = await Array.fromAsync(readFrames(Readable.from([head, body.subarray(0, 1), body.subarray(1)])));
  assert.deepEqual(
    parts.map((part) => part.type === "data" && [part.chunk.toString(), part.fin]),
    [
      ["h", false],
      ["ell", true],
    ],
  );
});
