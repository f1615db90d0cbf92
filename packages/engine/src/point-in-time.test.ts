import assert from "node:assert/strict";
import { test } from "node:test";
import { pointInTime } from "./point-in-time.ts";

const now = 1_700_000_000_000_000_000n;

test("durations count back from now, in all of Go's units", () => {
  assert.equal(pointInTime("10m", now), now - 600_000_000_000n);
  assert.equal(pointInTime("1h30m", now), now - 5_400_000_000_000n);
  assert.equal(pointInTime("1.5s250ms3us2ns", now), now - 1_750_003_002n);
});

test("seconds since the epoch keep their fraction, dates may lack their time", () => {
  assert.equal(pointInTime("1700000000.000000001", now), now + 1n);
  assert.equal(pointInTime("2023-11-14T22:13:20.5Z", now), now + 500_000_000n);
  assert.equal(pointInTime("2023-11-14", now), 1_699_920_000_000_000_000n);
});

test("anything else is refused in Docker's words", () => {
  for (const text of ["", "x", "10x", "h", "x10m", "10m x", "-10m", "abc 1", "March 7", `${"9".repeat(400)}h`, "9999999999h"])
    assert.throws(() => pointInTime(text, now), {
      kind: "invalidArgument",
      message: `failed to parse value as time or duration: "${text}"`,
    });
});
