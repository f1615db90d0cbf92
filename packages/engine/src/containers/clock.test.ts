import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRfc3339, rfc3339Nano, rfc3339NanoFixed, systemClock } from "./clock.ts";

test("times are written as Go writes them", () => {
  assert.equal(rfc3339Nano(1_700_000_000_120_000_000n), "2023-11-14T22:13:20.12Z");
  assert.equal(rfc3339Nano(1_700_000_000_000_000_000n), "2023-11-14T22:13:20Z");
  assert.equal(rfc3339NanoFixed(1_700_000_000_120_000_000n), "2023-11-14T22:13:20.120000000Z");
});

test("a written time reads back to the nanosecond, with an offset too", () => {
  assert.equal(parseRfc3339("2023-11-14T22:13:20.123456789Z"), 1_700_000_000_123_456_789n);
  assert.equal(parseRfc3339("2023-11-14T23:13:20+01:00"), 1_700_000_000_000_000_000n);
  assert.equal(parseRfc3339("yesterday"), undefined);
});

test("the system clock agrees with the wall clock", () => {
  const ms = Number(systemClock().now() / 1_000_000n);
  assert.ok(Math.abs(ms - Date.now()) < 50);
});
