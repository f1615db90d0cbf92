import assert from "node:assert/strict";
import { test } from "node:test";
import { grpcTimeoutMs } from "./grpc-timeout.ts";

test("a deadline is told in digits and a unit, and anything else is refused", () => {
  assert.equal(grpcTimeoutMs(undefined), undefined);
  for (const [header, milliseconds] of [
    ["2H", 7_200_000],
    ["3M", 180_000],
    ["10S", 10_000],
    ["99999999m", 99_999_999],
    ["500u", 0.5],
    ["0n", 0],
  ] as const)
    assert.equal(grpcTimeoutMs(header), milliseconds);
  for (const wrong of ["", "5", "S", "-1S", "1.5S", "123456789m", "5s"])
    assert.throws(() => grpcTimeoutMs(wrong), { kind: "invalidArgument" }, wrong);
});
