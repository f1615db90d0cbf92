import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EventLoopStalls } from "./event-loop-stalls.ts";

test("a piece of work that holds the event loop shows as a stall, counted once", async () => {
  const stalls = new EventLoopStalls();
  stalls.begin();
  await sleep(50);
  valuesOf(stalls);
  const until = performance.now() + 150;
  while (performance.now() < until);
  await sleep(50);
  const [longest = 0, recent, count] = valuesOf(stalls);
  assert.ok(longest >= 0.12, `150 ms are seen to within 25 ms, got ${longest} s`);
  assert.equal(recent, longest);
  assert.ok((count ?? 0) >= 1);
  stalls.stop();
});

function valuesOf(stalls: EventLoopStalls): number[] {
  const lines = stalls.text().split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => Number(line.split(" ")[1]));
}
