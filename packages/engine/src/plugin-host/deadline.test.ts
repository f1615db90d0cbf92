import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadline } from "./deadline.ts";

test("work whose operation was cancelled before is given up, and its failure is heard", async () => {
  const deadline = new Deadline(60_000, AbortSignal.abort());
  const { signal } = deadline;
  const work = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("given up")), { once: true });
  });
  await assert.rejects(deadline.race(work), /the operation was cancelled/);
  assert.equal(signal.aborted, true);
});
