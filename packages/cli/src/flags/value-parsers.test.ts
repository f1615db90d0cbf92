import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCpus, parseTimestamp } from "./value-parsers.ts";

const now = Date.UTC(2026, 0, 31, 12, 0, 0);

test("a time is a Unix time, a date, RFC 3339, or a while ago", () => {
  assert.equal(parseTimestamp("1700000000.5", now), "1700000000.5");
  assert.equal(Number(parseTimestamp("10m", now)), now / 1000 - 600);
  assert.equal(Number(parseTimestamp("2026-01-31T11:00:00Z", now)), now / 1000 - 3600);
  assert.throws(() => parseTimestamp("yesterday", now), /is no time: write 2026-01-31T12:00:00Z/);
});

test("a time keeps all its digits", () => {
  const cases: [given: string, seconds: string][] = [
    ["2026-01-31T12:00:00.123456789Z", "1769860800.123456789"],
    ["2026-01-31T13:00:00.1234567891+01:00", "1769860800.123456789"],
    ["2026-01-31T12:00:00.000000001Z", "1769860800.000000001"],
    ["1969-12-31T23:59:59.5Z", "-1.500000000"],
    ["1ns", "1769860799.999999999"],
    ["-1h0.000000001s", "1769864400.000000001"],
    ["1769860800.123456789", "1769860800.123456789"],
  ];
  for (const [given, seconds] of cases) assert.equal(parseTimestamp(given, now), seconds, given);
  for (const wrong of [
    "2026-01-31.5",
    "2026-01-31T12:00:00.Z",
    "2026-13-31",
    "2026-01-31T12",
    "2026-01-31junk",
    "2026-02-31",
    "-5",
    "NaN",
    "",
  ])
    assert.throws(() => parseTimestamp(wrong, now), /is no time/, wrong);
  for (const wrong of ["99999999999h", `${"9".repeat(400)}s`])
    assert.throws(() => parseTimestamp(wrong, now), /is longer than any duration may be, about 292 years/);
});

test("CPUs become billionths", () => {
  assert.equal(parseCpus("1.5"), 1.5e9);
  assert.equal(parseCpus(".25"), 0.25e9);
  assert.throws(() => parseCpus("many"), /number of CPUs/);
});
