import assert from "node:assert/strict";
import { test } from "node:test";
import { unavailable } from "@pouchcontainer/errors";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "./clock.ts";
import { Container } from "./container.ts";
import { HealthMonitor, judge } from "./health-monitor.ts";
import { sampleRecord } from "./spec/sample-record.ts";

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

/** A running container with that health check. */
function checked(check: { Interval?: number; Retries?: number }): Container {
  const record = sampleRecord();
  const Healthcheck = { Test: ["CMD", "true"], ...check };
  return new Container(
    { ...record, config: { ...record.config, Healthcheck }, state: { ...record.state, status: "running" } },
    {
      records: { put: () => Promise.resolve() },
      roots: { containers: "/home", exec: "/run" },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    },
  );
}

test("a probe that containerd was not there for says nothing of the container's health, and the next one comes", async () => {
  const container = checked({ Interval: 1_000_000, Retries: 1 });
  const events: string[] = [];
  const answered = Promise.withResolvers<void>();
  let probes = 0;
  const deps = { clock: systemClock(), events: { publish: ({ action }: { action: string }) => events.push(action) } };
  const monitor = new HealthMonitor(container, deps, async () => {
    if (++probes < 4) throw unavailable("cannot reach containerd", { details: { outage: "/run/containerd.sock" } });
    answered.resolve();
    return { exitCode: 0, output: "", late: false };
  });
  monitor.begin();
  await answered.promise;
  await sleep(5);
  monitor.end();
  assert.deepEqual(events, ["health_status: healthy"]);
  assert.deepEqual(container.state.health?.log.map(({ exitCode }) => exitCode).includes(-1), false);
});

test("one that is halted is unhealthy without a word and not probed, and the next probe after that says how it is", async () => {
  const container = checked({ Interval: 1_000_000 });
  const events: string[] = [];
  const deps = { clock: systemClock(), events: { publish: ({ action }: { action: string }) => events.push(action) } };
  let probes = 0;
  const [second, underWay] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const monitor = new HealthMonitor(container, deps, async () => {
    if (++probes === 2) {
      second.resolve();
      await underWay.promise;
    }
    return { exitCode: 0, output: "", late: false };
  });
  assert.deepEqual(monitor.halt(), {});
  monitor.begin();
  await second.promise;
  container.note({ state: monitor.halt() });
  underWay.resolve();
  await sleep(20);
  const halted = container.state.health;
  assert.deepEqual([halted?.status, halted?.log.length, probes, events], ["unhealthy", 1, 2, ["health_status: healthy"]]);
  monitor.resume();
  assert.equal(container.state.health?.status, "unhealthy");
  while (events.length < 2) await sleep(1);
  assert.deepEqual([container.state.health?.status, events[1]], ["healthy", "health_status: healthy"]);
  monitor.begin();
  assert.equal(container.state.health?.status, "starting");
  assert.ok(container.state.health.log.length >= 2, "what former runs' probes said is kept");
  monitor.end();
});

test("an interval of more days than a timer counts is one", async () => {
  const container = checked({ Interval: 30 * 24 * 3600 * 1e9 });
  let probes = 0;
  const monitor = new HealthMonitor(container, { clock: systemClock(), events: { publish: () => undefined } }, () => {
    probes++;
    return Promise.resolve({ exitCode: 0, output: "", late: false });
  });
  monitor.begin();
  await sleep(20);
  monitor.end();
  assert.equal(probes, 0);
});
