import assert from "node:assert/strict";
import { test } from "node:test";
import { sinceOf } from "./since-of.ts";

const now = 1_700_000_000_500;

test("calls are wanted since any moment that has passed", () => {
  for (const [seconds, since] of [
    ["1700000000.5", now],
    ["0", 0],
    ["-86400.000000000", -86_400_000],
  ] as const)
    assert.equal(sinceOf(seconds, now), since);
});

test("what is no moment, or is still to come, is refused with one that would do", () => {
  for (const seconds of ["", "abc", "24h", "1e3", "NaN", "1700000001", "9".repeat(400)])
    assert.throws(() => sinceOf(seconds, now), {
      kind: "invalidArgument",
      message: `since must be seconds since the epoch and in the past, such as 1699996400, got "${seconds}"`,
    });
});
