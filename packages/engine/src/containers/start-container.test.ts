import assert from "node:assert/strict";
import { test } from "node:test";
import { Container } from "./container.ts";
import { forgetRestarts } from "./start-container.ts";
import { sampleRecord } from "./spec/sample-record.ts";

test("a start by hand stores that restarts begin anew, and of a first one there is nothing to store", async () => {
  let puts = 0;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const records = { put: async () => void puts++ };
  const container = new Container(
    { ...sampleRecord(), manuallyStopped: false, restartCount: 0 },
    { records, roots: { containers: "/home", exec: "/run" }, log },
  );
  container.restartDelayMs = 200;
  await forgetRestarts(container);
  assert.deepEqual([container.restartDelayMs, puts], [0, 0]);
  for (const before of [{ manuallyStopped: true }, { restartCount: 3 }]) {
    await container.change(before);
    puts = 0;
    await forgetRestarts(container);
    assert.deepEqual([container.record.manuallyStopped, container.record.restartCount, puts], [false, 0, 1]);
  }
});
