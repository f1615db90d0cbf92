import assert from "node:assert/strict";
import { test } from "node:test";
import { CanaryTally } from "./canary-tally.ts";

test("a number of bad calls is the limit, be they failed or slow", () => {
  const tally = new CanaryTally({ failures: { calls: 3 }, maxMs: 100 });
  tally.failed("boom");
  tally.answered(101);
  for (let call = 0; call < 100; call += 1) tally.answered(100);
  assert.equal(tally.passed, undefined);
  tally.failed("bang");
  assert.equal(tally.passed, "of its 103 calls 1 took longer than 100 ms, 2 failed, the last: bang (the limit: 3)");
  assert.deepEqual([tally.calls, tally.failures, tally.slowCalls], [103, 2, 1]);
});

test("a share of its calls is the limit from three bad ones on", () => {
  const tally = new CanaryTally({ failures: { percent: 10 } });
  tally.failed("one");
  tally.failed("two");
  assert.equal(tally.passed, undefined);
  for (let call = 0; call < 27; call += 1) tally.answered(1e9);
  tally.failed("three");
  assert.equal(tally.passed, undefined, "3 of 30 are not more than 10%");
  tally.failed("four");
  assert.equal(tally.passed, "of its 31 calls 4 failed, the last: four (the limit: 10%)");
});

test("a crash is a failure though no call is; calls that it had then are counted, and held against it once", () => {
  const tally = new CanaryTally({ failures: { calls: 2 } });
  tally.crashed("its process ended with status 1");
  tally.cutOff();
  tally.cutOff();
  assert.deepEqual([tally.calls, tally.failures, tally.crashes, tally.passed], [2, 0, 1, undefined]);
  tally.failed("boom");
  assert.equal(
    tally.passed,
    "of its 3 calls 1 failed, the last: boom; it crashed once: its process ended with status 1 (the limit: 2)",
  );
});
