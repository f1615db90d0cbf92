import assert from "node:assert/strict";
import { test } from "node:test";
import { nanoseconds } from "./timestamp.ts";

test("no digit of a timestamp is lost", () => {
  assert.equal(nanoseconds("since", "1700000003.123456789"), 1_700_000_003_123_456_789n);
  assert.equal(nanoseconds("since", "1700000003.5"), 1_700_000_003_500_000_000n);
});

test("signs and digits below a nanosecond are taken as dockerd takes them", () => {
  assert.equal(nanoseconds("since", "-1.5"), -500_000_000n);
  assert.equal(nanoseconds("since", "+1.-5"), 500_000_000n);
  assert.equal(nanoseconds("since", "1.0000000019"), 1_000_000_001n);
  assert.equal(nanoseconds("since", "-0"), undefined);
  assert.throws(() => nanoseconds("since", "9223372036854775808"), /since must be seconds since the epoch/);
});

test("nothing, an empty text and 0 mean no limit; a word is refused", () => {
  for (const none of [undefined, "", "0", "0.000000000"]) assert.equal(nanoseconds("since", none), undefined);
  assert.throws(() => nanoseconds("until", "today"), /until must be seconds since the epoch, got "today"/);
});
