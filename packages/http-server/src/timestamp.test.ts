import assert from "node:assert/strict";
import { test } from "node:test";
import { nanoseconds } from "./timestamp.ts";

test("no digit of a timestamp is lost", () => {
  assert.equal(nanoseconds("since", "1700000003.123456789"), 1_700_000_003_123_456_789n);
  assert.equal(nanoseconds("since", "1700000003.5"), 1_700_000_003_500_000_000n);
});

test("nothing and an empty text mean no limit", () => {
  for (const none of [undefined, ""]) assert.equal(nanoseconds("since", none), undefined);
});

test("signs belong to their part, digits beyond nanoseconds are cut", () => {
  assert.equal(nanoseconds("since", "0"), 0n);
  assert.equal(nanoseconds("since", "-1"), -1_000_000_000n);
  assert.equal(nanoseconds("since", "-1.5"), -500_000_000n);
  assert.equal(nanoseconds("since", "+1.-5"), 950_000_000n);
  assert.equal(nanoseconds("since", "1.1234567891234"), 1_123_456_789n);
});

test("a word, a date, a duration and what no 64 bits hold are refused", () => {
  for (const text of ["today", "2024-01-01T00:00:00Z", "10m", "1.", ".5", "1.5.5", "1e9", " 1", "-", "9223372036854775808"]) {
    const message = `the query parameter until must be seconds since the epoch, got ${JSON.stringify(text)}`;
    assert.throws(() => nanoseconds("until", text), { message });
  }
});
