import assert from "node:assert/strict";
import { test } from "node:test";
import { DetachScanner, defaultDetachKeys, parseDetachKeys } from "./detach-keys.ts";

test("key sequences are read as Docker reads them", () => {
  assert.deepEqual([...parseDetachKeys(defaultDetachKeys)], [16, 17]);
  assert.deepEqual([...parseDetachKeys("a,ctrl-[")], [97, 27]);
  assert.throws(() => parseDetachKeys("ctrl-p,,"), /Invalid detach keys/);
});

test("keys that turn out not to be the sequence are passed on, those of the sequence are not", () => {
  const scanner = new DetachScanner(Uint8Array.of(16, 17));
  assert.equal(scanner.feed(Buffer.from("ab\x10")).forward.toString(), "ab");
  assert.equal(scanner.feed(Buffer.from("c\x10")).forward.toString(), "\x10c");
  assert.equal(scanner.feed(Buffer.from("\x10")).forward.toString(), "\x10");
  assert.deepEqual(scanner.feed(Buffer.from("\x11never")), { forward: Buffer.alloc(0), detached: true });
});
