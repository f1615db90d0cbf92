import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { jsonStream, readJson, rewriteJson } from "./json-stream.ts";

test("a value goes through a stream and back, whatever the chunks", async () => {
  const value = { Memory: 1, Name: "ümlaut" };
  assert.deepEqual(await readJson(jsonStream(value)), value);
  const bytes = Buffer.from(JSON.stringify(value));
  assert.deepEqual(await readJson(Readable.from([...bytes].map((byte) => Buffer.from([byte])))), value);
});

test("an empty body is undefined, and an object to whoever rewrites it", async () => {
  assert.equal(await readJson(Readable.from([])), undefined);
  assert.deepEqual(await readJson(await rewriteJson(Readable.from([]), (value) => void (value["a"] = 1))), { a: 1 });
});

test("what is not JSON is refused", async () => {
  await assert.rejects(readJson(Readable.from(["{"])), { kind: "invalidArgument", message: "the body is not JSON" });
  await assert.rejects(
    rewriteJson(Readable.from(["[]"]), () => undefined),
    /the body is not a JSON object/,
  );
});
