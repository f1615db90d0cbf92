import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { callAfter } from "./call-after.ts";

const days = 24 * 60 * 60 * 1000;

test("what is to be called in more days than a timer counts is not called at once", async () => {
  let called = 0;
  const off = [30 * days, Infinity].map((delayMs) => callAfter(delayMs, () => called++));
  callAfter(0, () => (called += 10));
  await sleep(20);
  for (const callOff of off) callOff();
  assert.equal(called, 10);
});

test("it is called when they are over, once, unless it was called off", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const called: string[] = [];
  callAfter(60 * days, () => called.push("kept"));
  const callOff = callAfter(60 * days, () => called.push("called off"));
  t.mock.timers.tick(30 * days);
  callOff();
  t.mock.timers.tick(30 * days - 1);
  assert.deepEqual(called, []);
  t.mock.timers.tick(1);
  t.mock.timers.tick(100 * days);
  assert.deepEqual(called, ["kept"]);
});
