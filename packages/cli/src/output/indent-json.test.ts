import assert from "node:assert/strict";
import { test } from "node:test";
import { indentJson } from "./indent-json.ts";

test("the layout is that of JSON.stringify, and numbers stay as they were sent", () => {
  const value = { a: [1, { b: 'x{"y"},:' }], c: {}, d: [], e: null };
  assert.equal(indentJson(JSON.stringify(value)), JSON.stringify(value, null, 4));
  assert.equal(indentJson('{"n": 9223372036854775807, "f":1.0}'), '{\n    "n": 9223372036854775807,\n    "f": 1.0\n}');
});
