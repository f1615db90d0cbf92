import assert from "node:assert/strict";
import { test } from "node:test";
import { grpcTimeout } from "./call.ts";
import { decodeGrpcMessage } from "./status.ts";

test("a timeout has at most eight digits, whatever its length", () => {
  assert.equal(grpcTimeout(0.2), "1m");
  assert.equal(grpcTimeout(30_000), "30000m");
  assert.equal(grpcTimeout(3 * 24 * 3600 * 1000), "259200S");
  assert.equal(grpcTimeout(Number.MAX_SAFE_INTEGER), "99999999S");
});

test("a message with a stray percent sign is kept as it is", () => {
  assert.equal(decodeGrpcMessage("disk is 100% full"), "disk is 100% full");
  assert.equal(decodeGrpcMessage("a%0Ab"), "a\nb");
});
