import assert from "node:assert/strict";
import { test } from "node:test";
import { Demultiplexer } from "./demultiplex.ts";

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(text.length, 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test("frames are told apart wherever the chunks are cut", () => {
  const bytes = Buffer.concat([frame(1, "hello "), frame(2, "oops"), frame(1, ""), frame(1, "world")]);
  for (let size = 1; size <= bytes.length; size++) {
    const seen = { stdout: "", stderr: "" };
    const demultiplexer = new Demultiplexer((stream, data) => (seen[stream] += Buffer.from(data).toString()));
    for (let at = 0; at < bytes.length; at += size) demultiplexer.push(bytes.subarray(at, at + size));
    assert.deepEqual(seen, { stdout: "hello world", stderr: "oops" }, `chunks of ${size}`);
  }
});

test("what is no frame is refused", () => {
  assert.throws(() => new Demultiplexer(() => undefined).push(Buffer.from("plain text")), /Unrecognized input header: 112/);
});
