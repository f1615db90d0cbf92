import assert from "node:assert/strict";
import { test } from "node:test";
import { mendAuthority } from "./mend-authority.ts";

/** The literal `:authority` with a new entry in HPACK's table, as gRPC for Go sends it. */
const literal = (value: Buffer, huffman: boolean): Buffer =>
  Buffer.concat([Buffer.from([0x41, (huffman ? 0x80 : 0) | value.length]), value]);

/** `:method: POST` and `:scheme: http`, both by the static table. */
const before = Buffer.from([0x83, 0x86]);

test("a path in plain text has other signs where it had slashes", () => {
  const block = Buffer.concat([
    before,
    literal(Buffer.from("/var/run/pouch.sock"), false),
    Buffer.from("\u0040\u0003x/y\u0001/"),
  ]);
  mendAuthority(block);
  assert.equal(block.subarray(4, 23).toString(), "-var-run-pouch.sock");
  assert.equal(block.subarray(23).toString(), "\u0040\u0003x/y\u0001/");
});

test("a path in Huffman's code keeps its length, and everything but its slashes", () => {
  // "/a/" is 011000 00011 011000 and ones to the end; "-a-" is 010110 00011 010110.
  const block = Buffer.concat([before, literal(Buffer.from([0b01100000, 0b01101100, 0b01111111]), true)]);
  mendAuthority(block);
  assert.deepEqual(block.subarray(4), Buffer.from([0b01011000, 0b01101011, 0b01111111]));
});

test("a header whose value has slashes is left alone when it is another one", () => {
  const block = Buffer.concat([Buffer.from([0x44, 0x04]), Buffer.from("/a/b"), literal(Buffer.from("localhost"), false)]);
  const sent = Buffer.from(block);
  mendAuthority(block);
  assert.deepEqual(block, sent);
});

test("blocks that are cut off or broken end the search and nothing else", () => {
  const whole = Buffer.concat([before, literal(Buffer.from("/var/run/pouch.sock"), false)]);
  for (let length = 0; length < whole.length; length++) mendAuthority(Buffer.from(whole.subarray(0, length)));
  mendAuthority(Buffer.alloc(64, 0xff));
  mendAuthority(Buffer.alloc(64, 0x7f));
  mendAuthority(Buffer.alloc(64));
});
