import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSignal } from "./signals.ts";

test("a signal is a name with or without SIG in any case, a number, or a real-time one", () => {
  assert.equal(parseSignal("SIGTERM"), 15);
  assert.equal(parseSignal("hup"), 1);
  assert.equal(parseSignal("9"), 9);
  assert.equal(parseSignal("SIGRTMIN+3"), 37);
  assert.equal(parseSignal("RTMAX-1"), 63);
  assert.equal(parseSignal("RTMAX-14"), 50);
});

test("what is no signal is refused", () => {
  for (const text of ["foo", "0", "65", "-1", "SIG", ""])
    assert.throws(() => parseSignal(text), { message: `Invalid signal: ${text}` });
});
