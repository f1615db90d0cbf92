import assert from "node:assert/strict";
import { test } from "node:test";
import { maxJsonDepth, maxJsonValues } from "@pouchcontainer/oci";
import { checkJsonBounds, jsonBoundsInPieces } from "./bounded-json.ts";

const nested = (depth: number): Buffer => Buffer.from("[".repeat(depth) + "]".repeat(depth));
const list = (values: number): Buffer => Buffer.from(`[${"0,".repeat(values - 1)}0]`);

test("a text that is nested too deep, or has too many values, is refused", () => {
  checkJsonBounds(nested(maxJsonDepth));
  assert.throws(() => checkJsonBounds(nested(maxJsonDepth + 1)), {
    kind: "invalidArgument",
    message: "invalid JSON: invalid character '[' exceeded max depth",
  });
  checkJsonBounds(list(maxJsonValues - 2));
  assert.throws(() => checkJsonBounds(list(maxJsonValues + 1)), { message: "the request body has more than 20000 values" });
});

test("what stands in a text is no nesting", () => {
  checkJsonBounds(Buffer.from(JSON.stringify({ a: '"'.repeat(2000) + "[{,\\".repeat(200_000) })));
});

test("a text in pieces is looked at as one in one piece", () => {
  const text = Buffer.from(JSON.stringify({ a: ['x"]},[', "\\", "\\\\", { b: [1, 2, "," + "\\".repeat(7)] }], c: {} }));
  const limits = Array.from({ length: 12 }, (_, index) => index + 1);
  const verdict = (maxValues: number, pieces: readonly Uint8Array[]): boolean => {
    const look = jsonBoundsInPieces({ maxValues });
    try {
      for (const piece of pieces) look(piece);
      return true;
    } catch {
      return false;
    }
  };
  const whole = limits.map((limit) => verdict(limit, [text]));
  assert.ok(whole.includes(true) && whole.includes(false));
  for (let at = 0; at <= text.length; at += 1)
    assert.deepEqual(
      limits.map((limit) => verdict(limit, [text.subarray(0, at), text.subarray(at)])),
      whole,
      `cut at ${at}`,
    );
  const bytes = [...text].map((byte) => Uint8Array.of(byte));
  assert.deepEqual(
    limits.map((limit) => verdict(limit, bytes)),
    whole,
  );
});
