import assert from "node:assert/strict";
import { test } from "node:test";
import { goDuration, parseGoDuration } from "./go-duration.ts";

test("durations are written as Go does", () => {
  const written = [0, 500, 1000, 1500, 60_000, 90_000, 3_600_000, 3_661_250].map(goDuration);
  assert.deepEqual(written, ["0s", "500ms", "1s", "1.5s", "1m0s", "1m30s", "1h0m0s", "1h1m1.25s"]);
});

test("durations are read as Go does, and what is none is none", () => {
  const read = ["0", "0s", "1h30m", "1.5s", "250ms", "2us", "3ns"].map(parseGoDuration);
  assert.deepEqual(read, [0, 0, 5.4e12, 1.5e9, 2.5e8, 2000, 3]);
  for (const text of ["", "9999999h", "1", "1x", "h", "1m 2s", "-1s"]) assert.equal(parseGoDuration(text), undefined, text);
});
