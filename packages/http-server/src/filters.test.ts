import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFilters } from "./filters.ts";

test("filters are read in either form, as Go reads them", () => {
  const read: [string, Record<string, string[]>][] = [
    ["", {}],
    ["null", {}],
    ['{"label":["a","a","b"]}', { label: ["a", "b"] }],
    ['{"label":{"a":true,"b":false,"c":null}}', { label: ["a", "b", "c"] }],
    ['{"label":null}', { label: [] }],
    ['{"label":null,"name":["a",null]}', { label: [], name: ["a", ""] }],
  ];
  for (const [text, filters] of read) assert.deepEqual(decodeFilters(text), filters, text);
});

test("filters that are neither are refused, and so is one of each", () => {
  for (const text of [
    "x",
    "[]",
    '"a"',
    '{"label":"a"}',
    '{"label":[1]}',
    '{"label":{"a":1}}',
    '{"label":["a"],"name":{"b":true}}',
  ])
    assert.throws(() => decodeFilters(text), { kind: "invalidArgument", message: /^invalid filter: / }, text);
});
