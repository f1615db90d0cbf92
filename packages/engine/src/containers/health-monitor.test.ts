import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "./health-monitor.ts";

const probe = (exitCode: number) => ({ start: "", end: "", exitCode, output: "" });
const plan = { retries: 2, startPeriodMs: 1000 };

test("one success is healthy, as many failures as retries are unhealthy, and one success heals", () => {
  let health = judge({ status: "starting", failingStreak: 0, log: [] }, probe(0), plan, 5000);
  assert.equal(health.status, "healthy");
  health = judge(health, probe(1), plan, 6000);
  assert.deepEqual([health.status, health.failingStreak], ["healthy", 1]);
  health = judge(health, probe(1), plan, 7000);
  assert.equal(health.status, "unhealthy");
  assert.equal(judge(health, probe(0), plan, 8000).status, "healthy");
});

test("failures in the start period do not count, and five results are kept", () => {
  let health = judge({ status: "starting", failingStreak: 0, log: [] }, probe(1), plan, 500);
  assert.deepEqual([health.status, health.failingStreak], ["starting", 0]);
  for (let n = 0; n < 8; n++) health = judge(health, probe(0), plan, 2000);
  assert.equal(health.log.length, 5);
});
