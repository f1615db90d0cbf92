import assert from "node:assert/strict";
import { test } from "node:test";
import { booleanFilter } from "./boolean-filter.ts";

test("a yes-or-no filter is what its values agree on, and an error where they do not", () => {
  const read = (...values: string[]): boolean | undefined => booleanFilter({ dangling: values }, "dangling");
  assert.equal(booleanFilter({}, "dangling"), undefined);
  assert.equal(read("true", "1"), true);
  assert.equal(read("0"), false);
  assert.equal(read("false", "maybe"), false);
  assert.throws(() => read("true", "0"), { message: "invalid filter 'dangling=[true 0]'" });
  assert.throws(() => read("True"), { message: "invalid filter 'dangling=[True]'" });
  assert.throws(() => read(), { message: "invalid filter 'dangling'" });
});
