import assert from "node:assert/strict";
import { test } from "node:test";
import { nextRestart } from "./restart-decision.ts";

const record = (Name: string, more: { manuallyStopped?: boolean; restartCount?: number; MaximumRetryCount?: number } = {}) => ({
  hostConfig: { RestartPolicy: { Name, MaximumRetryCount: more.MaximumRetryCount ?? 0 } },
  manuallyStopped: more.manuallyStopped ?? false,
  restartCount: more.restartCount ?? 0,
});

test("policies decide as Docker's do", () => {
  assert.equal(nextRestart(record("no"), 1, 0, 0), undefined);
  assert.ok(nextRestart(record("always"), 0, 0, 0));
  assert.ok(nextRestart(record("unless-stopped"), 0, 0, 0));
  assert.equal(nextRestart(record("always", { manuallyStopped: true }), 0, 0, 0), undefined);
  assert.equal(nextRestart(record("on-failure"), 0, 0, 0), undefined);
  assert.ok(nextRestart(record("on-failure"), 1, 0, 0));
  assert.ok(nextRestart(record("on-failure", { MaximumRetryCount: 2, restartCount: 1 }), 1, 0, 0));
  assert.equal(nextRestart(record("on-failure", { MaximumRetryCount: 2, restartCount: 2 }), 1, 0, 0), undefined);
});

test("the delay doubles from 100 ms to a minute and begins anew after ten good seconds", () => {
  const delayAfter = (uptimeMs: number, last: number) => nextRestart(record("always"), 1, uptimeMs, last)?.delayMs;
  assert.deepEqual([delayAfter(5, 0), delayAfter(5, 100), delayAfter(5, 200), delayAfter(5, 50_000)], [100, 200, 400, 60_000]);
  assert.equal(delayAfter(10_000, 6400), 100);
});
