import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonValues } from "./json-lines.ts";

test("values are found however the text is cut, with or without line ends", async () => {
  const bytes = Buffer.from('{"a":"}\\"{ü"}\r\n{"b":[1,{"c":2}]}{"d":3}\n');
  for (let size = 1; size <= bytes.length; size += 3) {
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    const values = await Array.fromAsync(jsonValues(chunks()));
    assert.deepEqual(values, [{ a: '}"{ü' }, { b: [1, { c: 2 }] }, { d: 3 }]);
  }
});
