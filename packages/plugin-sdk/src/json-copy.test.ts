import type { EngineError } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { cloneJson, copyWithin } from "./json-copy.ts";

test("a copy is what JSON would make of the value", () => {
  const value = { a: undefined, b: [undefined, 1], c: new Date(0), d: { e: "x" }, zero: -0 };
  assert.deepEqual(cloneJson(value), JSON.parse(JSON.stringify(value)));
});

test("a copy refuses what JSON cannot hold, and names the field", () => {
  for (const [value, message, field] of [
    [{ a: { Memory: () => 1 } }, "a.Memory is a function, which JSON cannot hold", "/a/Memory"],
    [{ NanoCpus: Number.NaN }, "NanoCpus is NaN, which JSON cannot hold", "/NanoCpus"],
    [{ Env: ["A=1", 10n] }, "Env[1] is a bigint, which JSON cannot hold", "/Env/1"],
    [{ Labels: { "a/b": "\ud800" } }, "Labels.a/b holds half of a surrogate pair, which is no text", "/Labels/a~1b"],
    [{ Labels: { "\udc00": "" } }, "Labels.\ufffd holds half of a surrogate pair, which is no text", "/Labels/\ufffd"],
    [Symbol("x"), "the body is a symbol, which JSON cannot hold", ""],
  ] as const) {
    assert.throws(() => cloneJson(value), { kind: "invalidArgument", message, details: { field } });
  }
});

test("a value that contains itself is refused, by a field whose name has an end", () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  assert.throws(
    () => copyWithin(loop, { bytes: 1000, values: 1000, depth: 100 }),
    (error: EngineError) => {
      assert.match(error.message, /^self\.self.* is nested deeper than 100 levels, or contains itself$/);
      assert.ok(error.message.length < 200, error.message);
      return true;
    },
  );
});

test("a copy never touches the prototype", () => {
  const copy = cloneJson(JSON.parse('{"__proto__": {"polluted": true}}') as object);
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  assert.deepEqual(Object.keys(copy), ["__proto__"]);
});

test("what is beyond a bound is not copied first: holes, branches that meet again, names of fields", () => {
  const bounds = { bytes: 1000, values: 1000, depth: 100 };
  const exhausted = (value: unknown, message: string): void =>
    assert.throws(() => copyWithin(value, bounds), { kind: "resourceExhausted", message });
  const holes: unknown[] = [];
  holes.length = 4_000_000_000;
  exhausted({ Env: holes }, "the body holds more than 1000 values");
  let branches: unknown[] = [];
  for (let level = 0; level < 90; level += 1) branches = [branches, branches];
  exhausted(branches, "the body holds more than 1000 values");
  exhausted(
    Array.from({ length: 11 }, () => ({ ["n".repeat(100)]: 1 })),
    "the body holds more than 1000 characters",
  );
  assert.deepEqual(copyWithin({ Env: ["A=1"] }, bounds), { Env: ["A=1"] });
});

test("a whole number beyond 64 bits is one that can be read again", () => {
  assert.equal(cloneJson(2 ** 63), 9223372036854774784);
});
