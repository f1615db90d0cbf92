import type { PluginCanary } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventsOf, isGone, until, world } from "../testing/canary-world.ts";
import { hostname } from "../testing/manager-home.ts";

test("a crash counts once, with all calls that were in it and those that came while it was away", async (t) => {
  const w = await world(t);
  const { h, daemon, begin } = w;
  const file = join(h.root, "calls");
  writeFileSync(file, "");
  h.plugin("tool", {
    version: "2.0.0",
    code: `async preCreate() {
      appendFileSync(file, "x");
      while (statSync(file).size < 3) await new Promise((resolve) => setTimeout(resolve, 10));
      process.exit(3);
    } });
import { appendFileSync, statSync } from "node:fs";
const file = ${JSON.stringify(file)};
if (statSync(file).size > 0) await new Promise((resolve) => setTimeout(resolve, 60_000));
({ `,
  });
  await begin();
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => hostname(daemon))), ["old", "old", "old"]);
  for (let call = 0; call < 3; call += 1) assert.equal(await hostname(daemon), "old");
  const canary = async (): Promise<PluginCanary | null | undefined> => (await daemon.manager.inspect("tool")).Pouch?.Canary;
  await until("its calls are counted", async () => (await canary())?.Calls === 3);
  const { Calls, Failures, Crashes } = (await canary()) ?? {};
  assert.deepEqual([Calls, Failures, Crashes], [3, 0, 1]);
});

test("one whose process ends and ends goes back, and no call waits for it", async (t) => {
  const w = await world(t);
  w.h.plugin("tool", { version: "2.0.0", code: `preCreate() { process.exit(3); }` });
  await w.begin();
  await until("it is gone", async () => {
    assert.equal(await hostname(w.daemon), "old");
    return (await w.daemon.manager.inspect("tool")).Pouch?.Canary === null;
  });
  await isGone(w);
  const reason = "it crashed 2 times, the last time: its process ended with status 3 (the limit: 2)";
  assert.deepEqual(eventsOf(w).at(-1), ["canary-failed", { version: "2.0.0", reason }]);
});

test("one that cannot be started again goes back though nobody calls it", async (t) => {
  const w = await world(t);
  const ended = join(w.h.root, "ended");
  w.h.plugin("tool", {
    version: "2.0.0",
    code: `async preCreate() { process.exit(3); } });
import { existsSync, writeFileSync } from "node:fs";
if (existsSync(${JSON.stringify(ended)})) process.exit(4);
writeFileSync(${JSON.stringify(ended)}, "");
({ `,
  });
  await w.begin({ failures: { calls: 3 } });
  assert.equal(await hostname(w.daemon), "old");
  await until("it is gone", async () => (await w.daemon.manager.inspect("tool")).Pouch?.Canary === null);
  await isGone(w);
  const [action, { reason = "" } = {}] = eventsOf(w).at(-1) ?? [];
  assert.equal(action, "canary-failed");
  assert.match(reason, /^it crashed 3 times, the last time: its process could not be started again: .*with status 4/);
});
