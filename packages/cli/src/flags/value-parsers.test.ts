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

test("CPUs become billionths", () => {
  assert.equal(parseCpus("1.5"), 1.5e9);
  assert.equal(parseCpus(".25"), 0.25e9);
  assert.throws(() => parseCpus("many"), /number of CPUs/);
});
