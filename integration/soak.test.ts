/** Three minutes of what `make soak` does for thirty. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { soak } from "./soak/soak.ts";

const seed = Number(process.env["POUCH_SOAK_SEED"] ?? Date.now() % 1_000_000);

test(`random operations and kills leave everything in agreement (POUCH_SOAK_SEED=${seed})`, { timeout: 600_000 }, async (t) => {
  const report = await soak({ seed, minutes: 3, kills: true, say: (line) => t.diagnostic(line) });
  t.diagnostic(JSON.stringify(report));
  assert.deepEqual(report.faults, [], `seed ${seed}`);
});
