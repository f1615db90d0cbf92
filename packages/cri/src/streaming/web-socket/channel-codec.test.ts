import assert from "node:assert/strict";
import { test } from "node:test";
import { base64Codec, binaryCodec } from "./channel-codec.ts";

test("a channel is the first byte, or the first character before base64", () => {
  assert.deepEqual(binaryCodec.encode(2, Buffer.from("err")), Buffer.from("\x02err"));
  assert.equal(base64Codec.encode(1, Buffer.from("\n")), "1Cg==");
  for (const codec of [binaryCodec, base64Codec]) {
    const message = codec.encode(4, Buffer.from([0, 255, 10]));
    assert.deepEqual(codec.decode(Buffer.from(message)), { channel: 4, chunk: Buffer.from([0, 255, 10]) });
    assert.equal(codec.decode(Buffer.alloc(0)), undefined);
  }
});
