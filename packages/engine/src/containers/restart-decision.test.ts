import assert from "node:assert/strict";
import { test } from "node:test";
import { nextRestart, type RunEnd } from "./restart-decision.ts";

const record = (Name: string, more: { manuallyStopped?: boolean; restartCount?: number; MaximumRetryCount?: number } = {}) => ({
  hostConfig: { RestartPolicy: { Name, MaximumRetryCount: more.MaximumRetryCount ?? 0 } },
  manuallyStopped: more.manuallyStopped ?? false,
  restartCount: more.restartCount ?? 0,
});

const end = (exitCode: number, more: Partial<RunEnd> = {}): RunEnd => ({
  exitCode,
  uptimeMs: 0,
  delayMs: 0,
  askedFor: false,
  ...more,
});

test("policies decide as Docker's do", () => {
  assert.equal(nextRestart(record("no"), end(1)), undefined);
  assert.ok(nextRestart(record("always"), end(0)));
  assert.ok(nextRestart(record("unless-stopped"), end(0)));
  assert.equal(nextRestart(record("on-failure"), end(0)), undefined);
  assert.ok(nextRestart(record("on-failure"), end(1)));
  assert.ok(nextRestart(record("on-failure", { MaximumRetryCount: 2, restartCount: 1 }), end(1)));
  assert.equal(nextRestart(record("on-failure", { MaximumRetryCount: 2, restartCount: 2 }), end(1)), undefined);
});

test("no policy starts again what was asked to end; a signal of another kind only `unless-stopped` minds", () => {
  for (const name of ["always", "unless-stopped", "on-failure"])
    assert.equal(nextRestart(record(name), end(1, { askedFor: true })), undefined, name);
  assert.ok(nextRestart(record("always", { manuallyStopped: true }), end(1)));
  assert.ok(nextRestart(record("on-failure", { manuallyStopped: true }), end(1)));
  assert.equal(nextRestart(record("unless-stopped", { manuallyStopped: true }), end(1)), undefined);
});

test("the delay doubles from 100 ms to a minute and begins anew after ten good seconds", () => {
  const delayAfter = (uptimeMs: number, delayMs: number) => nextRestart(record("always"), end(1, { uptimeMs, delayMs }))?.delayMs;
  assert.deepEqual([delayAfter(5, 0), delayAfter(5, 100), delayAfter(5, 200), delayAfter(5, 50_000)], [100, 200, 400, 60_000]);
  assert.equal(delayAfter(10_000, 6400), 100);
});
