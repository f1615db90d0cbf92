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
  const before = Date.now();
  const ms = Number(systemClock().now() / 1_000_000n);
  const after = Date.now();
  assert.ok(before <= ms && ms <= after, `${ms} is not between ${before} and ${after}`);
});

test("the clock follows a drifting wall clock without ever running backwards, and one that was set back at once", () => {
  let [wallMs, monotonicNs] = [1_000_000, 0n];
  const clock = systemClock({ wallMs: () => Math.floor(wallMs), monotonicNs: () => monotonicNs });
  let last = clock.now();
  for (let step = 0; step < 100; step++) {
    // The wall clock is slowed down by a tenth.
    [wallMs, monotonicNs] = [wallMs + 0.9, monotonicNs + 1_000_000n];
    const now = clock.now();
    assert.ok(now > last, `${now} after ${last}`);
    assert.ok(Math.abs(Number(now) / 1e6 - wallMs) <= 3, `${now} at ${wallMs} ms`);
    last = now;
  }
  wallMs -= 60_000;
  assert.ok(Math.abs(Number(clock.now()) / 1e6 - wallMs) <= 3);
});

test("what happened before somebody reads the wall clock is not told as later, also when the process did not run for a while", () => {
  let [wallMs, monotonicNs, heldUpMs] = [1000, 0n, 0];
  const clock = systemClock({
    wallMs: () => Math.floor((wallMs += heldUpMs)),
    monotonicNs: () => monotonicNs,
  });
  for (let step = 0; step < 40; step++) {
    heldUpMs = step % 10 === 5 ? 1.5 : 0;
    const now = clock.now();
    monotonicNs += BigInt(Math.round(heldUpMs * 1e6));
    heldUpMs = 0;
    assert.ok(now < BigInt(Math.floor(wallMs) + 1) * 1_000_000n, `${now} at ${wallMs} ms`);
    [wallMs, monotonicNs] = [wallMs + 0.15, monotonicNs + 150_000n];
  }
});

test("what happens after somebody read the wall clock is not told as earlier", () => {
  let [wallMs, monotonicNs] = [1000.9, 0n];
  const clock = systemClock({ wallMs: () => Math.floor(wallMs), monotonicNs: () => monotonicNs });
  for (let step = 0; step < 20; step++) {
    [wallMs, monotonicNs] = [wallMs + 0.15, monotonicNs + 150_000n];
    assert.ok(clock.now() >= BigInt(Math.floor(wallMs)) * 1_000_000n, `at ${wallMs} ms`);
  }
});
