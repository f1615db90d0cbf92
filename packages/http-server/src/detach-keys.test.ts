import assert from "node:assert/strict";
import { test } from "node:test";
import { DetachDetector, parseDetachKeys } from "./detach-keys.ts";

test("keys are written as Docker writes them", () => {
  assert.deepEqual([...parseDetachKeys()], [16, 17]);
  assert.deepEqual([...parseDetachKeys("")], [16, 17]);
  assert.deepEqual(
    [...parseDetachKeys("ctrl-a,b,DEL,ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_")],
    [1, 98, 127, 0, 27, 28, 29, 30, 31],
  );
  assert.throws(() => parseDetachKeys("ctrl-A"), { message: /^Invalid detach keys \(ctrl-A\) provided/ });
  assert.throws(() => parseDetachKeys("a,,b"), { message: /unknown character ''/ });
});

function fed(keys: string, ...chunks: string[]) {
  const detector = new DetachDetector(parseDetachKeys(keys));
  const passed: string[] = [];
  for (const chunk of chunks) {
    const { pass, detached } = detector.feed(Buffer.from(chunk));
    passed.push(Buffer.from(pass).toString());
    if (detached) return [...passed, "detached"];
  }
  return passed;
}

test("keys are found in a chunk and across chunks", () => {
  assert.deepEqual(fed("a,b", "xaby"), ["x", "detached"]);
  assert.deepEqual(fed("a,b", "xa", "by"), ["x", "", "detached"]);
});

test("a beginning that is something else is passed on", () => {
  assert.deepEqual(fed("a,b", "xa", "cd"), ["x", "acd"]);
  assert.deepEqual(fed("a,b", "aab"), ["a", "detached"]);
  assert.deepEqual(fed("a,b,c", "ab", "ab", "c"), ["", "ab", "", "detached"]);
});

test("input without the first key is passed on as it is", () => {
  assert.deepEqual(fed("a,b", "hello"), ["hello"]);
});
