import assert from "node:assert/strict";
import { test } from "node:test";
import { takeLoopShare } from "./loop-share.ts";

function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test("many loops over what is there already leave the event loop to others", async () => {
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const done = Array.from({ length: 20 }, () => 0);
  await Promise.all(
    done.map(async (_, index) => {
      for (let piece = 0; piece < 20; piece++) {
        await takeLoopShare();
        work(1);
        done[index] = piece;
        if (piece === 10) assert.ok(Math.min(...done) > 0, "one is far ahead of another");
      }
    }),
  );
  over = true;
  // 400 ms of work in shares of 5 ms, and a piece of each loop at most besides.
  assert.ok(turns >= 15, `${turns} turns`);
});

test("who has the loop for itself is not held up", async () => {
  for (let round = 0; round < 1000; round++) await takeLoopShare();
});
