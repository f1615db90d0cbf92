import assert from "node:assert/strict";
import { test } from "node:test";
import { goDuration } from "./go-duration.ts";

test("durations are written as Go does", () => {
  const written = [0, 500, 1000, 1500, 60_000, 90_000, 3_600_000, 3_661_250].map(goDuration);
  assert.deepEqual(written, ["0s", "500ms", "1s", "1.5s", "1m0s", "1m30s", "1h0m0s", "1h1m1.25s"]);
});
