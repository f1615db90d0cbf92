import assert from "node:assert/strict";
import { test } from "node:test";
import { binarySize, decimalSize, ellipsis, goTime, humanDuration, shortDecimalSize, shortId } from "./units.ts";

test("sizes have Docker's units and digits", () => {
  assert.equal(decimalSize(1_983_512), "1.984MB");
  assert.equal(shortDecimalSize(1_983_512), "1.98MB");
  assert.equal(decimalSize(0), "0B");
  assert.equal(binarySize(1536), "1.5KiB");
  assert.equal(binarySize(25_281_937_408), "23.55GiB");
});

test("durations keep their largest unit", () => {
  const cases: [number, string][] = [
    [200, "Less than a second"],
    [1000, "1 second"],
    [59_000, "59 seconds"],
    [61_000, "About a minute"],
    [5 * 60_000, "5 minutes"],
    [3600_000, "About an hour"],
    [47 * 3600_000, "47 hours"],
    [5 * 86_400_000, "5 days"],
    [20 * 86_400_000, "2 weeks"],
    [90 * 86_400_000, "3 months"],
    [800 * 86_400_000, "2 years"],
  ];
  for (const [milliseconds, text] of cases) assert.equal(humanDuration(milliseconds), text);
});

test("ids and texts are cut", () => {
  assert.equal(shortId("sha256:0123456789abcdef"), "0123456789ab");
  assert.equal(ellipsis("abcdef", 4), "abc…");
  assert.equal(ellipsis("abcd", 4), "abcd");
  assert.equal(goTime(0), "1970-01-01 00:00:00 +0000 UTC");
});
