import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStrictJson } from "./parse-strict-json.ts";

test("a file without a key twice is what JSON.parse makes of it", () => {
  for (const text of [
    '{"a":{"a":[{"a":1},{"a":"}\\"{"}]},"b":"a"}',
    '["a","a",["a"]]',
    '"a"',
    "null",
    "[]",
    '{"":{"":1}}',
    '{"\\\\":{},"\\"":1}',
  ])
    assert.deepEqual(parseStrictJson(text), JSON.parse(text));
});

test("a key that an object has twice is refused with its place, however it is written", () => {
  assert.throws(() => parseStrictJson('{\n  "plugins": [],\n  "plugins": []\n}'), {
    name: "SyntaxError",
    message: "plugins is there twice, the second time at line 3, column 3",
  });
  assert.throws(() => parseStrictJson('{"plugins":[{"name":"a"},{"name":"b","na\\u006de":"c"}]}'), {
    message: "plugins[1].name is there twice, the second time at line 1, column 38",
  });
});

test("what is no JSON is refused as JSON.parse does", () => {
  assert.throws(() => parseStrictJson('{"a":'), SyntaxError);
});
