import assert from "node:assert/strict";
import { test } from "node:test";
import { DetachScanner, parseDetachKeys } from "./detach-keys.ts";

test("key sequences are read as Docker reads them", () => {
  const read = {
    "ctrl-p,ctrl-q": [16, 17],
    "a,ctrl-[": [97, 27],
    "ctrl-@,ctrl-\\,ctrl-],ctrl-^,ctrl-_": [0, 28, 29, 30, 31],
    DEL: [127],
    "": [],
  };
  for (const [text, keys] of Object.entries(read)) assert.deepEqual([...parseDetachKeys(text)], keys, text);
  for (const text of ["ctrl-p,,", "ctrl-+", "ctrl-P", "é", "ctrl-"]) {
    const kind = "invalidArgument";
    assert.throws(() => parseDetachKeys(text), { kind, message: `Invalid detach keys (${text}) provided` });
    assert.throws(() => parseDetachKeys(text, "escape"), { kind, message: `Invalid escape keys (${text}) provided` });
  }
});

test("keys that turn out not to be the sequence are passed on, those of the sequence are not", () => {
  const scanner = new DetachScanner(parseDetachKeys(""));
  const passed = (typed: string): string => Buffer.from(scanner.feed(Buffer.from(typed)).forward).toString();
  assert.equal(passed("ab\x10"), "ab");
  assert.equal(passed("c\x10"), "\x10c");
  assert.equal(passed("\x10"), "\x10");
  assert.deepEqual(scanner.feed(Buffer.from("\x11never")), { forward: Buffer.alloc(0), detached: true });
});
