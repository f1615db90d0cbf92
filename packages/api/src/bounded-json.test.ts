import assert from "node:assert/strict";
import { test } from "node:test";
import { maxJsonDepth, maxJsonValues } from "@pouchcontainer/oci";
import { checkJsonBounds } from "./bounded-json.ts";

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
