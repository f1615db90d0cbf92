import assert from "node:assert/strict";
import { test } from "node:test";
import { MendedHeads } from "./mended-heads.ts";

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const settings = frame(4, 0, Buffer.alloc(6));
const authority = (text: string): Buffer => Buffer.concat([Buffer.from([0x41, text.length]), Buffer.from(text)]);
const data = frame(0, 1, Buffer.from("/a/b"));

const byTable = frame(1, 5, Buffer.from([0xbe]));

/** A head, one that refers to it, and one that spells the name out again. */
const sent = (text: string, again = text): Buffer =>
  Buffer.concat([preface, settings, frame(1, 4, authority(text)), data, byTable, frame(1, 4, authority(again)), data]);

test("every head is mended wherever the bytes are cut, and nothing else is changed", () => {
  const bytes = sent("/run/x.sock");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const heads = new MendedHeads();
    const passed = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) => Buffer.from(heads.pass(Buffer.from(part))));
    assert.deepEqual(Buffer.concat(passed), sent("-run-x.sock"), `cut at ${cut}`);
  }
});

test("a client whose first head needs no mending is left alone", () => {
  const bytes = sent("localhost", "/run/x.sock");
  assert.deepEqual(new MendedHeads().pass(Buffer.from(bytes)), bytes);
});

test("padding and priority before the block are stepped over", () => {
  const payload = Buffer.concat([Buffer.from([2]), Buffer.alloc(5), authority("/x"), Buffer.alloc(2)]);
  const passed = new MendedHeads().pass(Buffer.concat([preface, frame(1, 0x28 | 4, payload)]));
  assert.ok(passed.includes("-x"));
});

test("what is held back of a client that never sends a whole head is no more than a frame", () => {
  const heads = new MendedHeads();
  const head = Buffer.alloc(9);
  head.writeUIntBE(16_384, 0, 3);
  head[3] = 1;
  heads.pass(Buffer.concat([preface, head]));
  assert.equal(heads.pass(Buffer.alloc(16_383)).length, 0);
  assert.equal(heads.pass(Buffer.alloc(1)).length, 9 + 16_384);
  const tooLong = Buffer.alloc(9, 0xff);
  tooLong[3] = 1;
  assert.equal(new MendedHeads().pass(Buffer.concat([preface, tooLong])).length, preface.length + 9);
});
