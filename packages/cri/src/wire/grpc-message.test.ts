import assert from "node:assert/strict";
import { test } from "node:test";
import { framedMessage, RequestMessage } from "./grpc-message.ts";

const read = (...chunks: Uint8Array[]): Buffer => {
  const request = new RequestMessage(8);
  for (const chunk of chunks) request.push(Buffer.from(chunk));
  return request.end();
};

test("a message is read wherever its bytes are cut", () => {
  const framed = framedMessage(Buffer.from("message"), 8);
  for (let cut = 0; cut <= framed.length; cut++)
    assert.equal(read(framed.subarray(0, cut), framed.subarray(cut)).toString(), "message");
  assert.equal(read(framedMessage(Buffer.alloc(0), 8)).length, 0);
});

test("what is no request of one message within the limit is refused as soon as that shows", () => {
  const framed = framedMessage(Buffer.from("message"), 8);
  assert.throws(() => read(), { kind: "internal" });
  assert.throws(() => read(framed.subarray(0, 4)), { kind: "internal" });
  assert.throws(() => read(framed.subarray(0, -1)), { kind: "internal" });
  assert.throws(() => new RequestMessage(8).push(Buffer.concat([framed, framed])), { kind: "invalidArgument" });
  assert.throws(() => new RequestMessage(6).push(framed.subarray(0, 5)), { kind: "resourceExhausted" });
  assert.throws(() => new RequestMessage(8).push(Buffer.from([1, 0, 0, 0, 0])), { kind: "notImplemented" });
  assert.throws(() => framedMessage(Buffer.alloc(9), 8), { kind: "resourceExhausted" });
});

test("the pieces of a message whose prefix is cut are not joined for each that comes", (t) => {
  const framed = framedMessage(Buffer.alloc(1000), 1000);
  const concat = t.mock.method(Buffer, "concat");
  const request = new RequestMessage(1000);
  for (const byte of framed) request.push(Buffer.from([byte]));
  assert.equal(request.end().length, 1000);
  assert.ok(concat.mock.callCount() <= 2);
});
