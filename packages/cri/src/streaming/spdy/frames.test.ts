import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { headerDictionary, headerDictionaryId } from "./dictionary.ts";
import { HeaderInflater } from "./header-inflater.ts";
import { decodeHeaders } from "./header-block.ts";
import { synReply } from "./frames.ts";

test("the dictionary is the one everybody has", () => {
  assert.equal(headerDictionary.length, 1423);
  // zlib names the dictionary after the first two bytes.
  assert.equal(deflateSync(Buffer.alloc(4), { dictionary: headerDictionary }).readUInt32BE(2), headerDictionaryId);
});

test("replies are one zlib stream of blocks without headers", async () => {
  const inflater = new HeaderInflater();
  for (const first of [true, false, false]) {
    const block = await inflater.next(synReply(1, first).subarray(12));
    assert.deepEqual([...decodeHeaders(block)], []);
  }
  inflater.close();
  await assert.rejects(inflater.next(Buffer.alloc(4)), /closed/);
});

test("header blocks that do not fit their lengths are refused", () => {
  for (const hex of ["", "00000001", "0000000100000005", "000000010000000161000000ff62", "0000ffff"])
    assert.throws(() => decodeHeaders(Buffer.from(hex, "hex")), { message: /header/ });
});
