import { difference } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { test } from "node:test";
import { WriteLog, type Conflict } from "./conflicts.ts";

/** The conflicts of plugins a, b, c, … that made each of the bodies of the one before. */
function conflictsOf(...bodies: unknown[]): Conflict[][] {
  const writes = new WriteLog();
  return bodies.slice(1).map((after, index) => {
    const before = bodies[index];
    const { conflicts, take } = writes.plan("abc".charAt(index), before, after, difference(before, after));
    take();
    return conflicts;
  });
}

test("what takes a parent away takes what was written below it along", () => {
  const first = { plugin: "a", value: "1" };
  assert.deepEqual(conflictsOf({ L: {} }, { L: { "x/y": { z: "1" } } }, { L: {} })[1], [
    { field: "L.x/y", first: { ...first, value: { z: "1" } }, second: { plugin: "b", value: undefined } },
  ]);
  assert.deepEqual(conflictsOf({ L: { x: {} } }, { L: { x: { z: "1" } } }, {})[1], [
    { field: "L.x.z", first, second: { plugin: "b", value: undefined } },
  ]);
  // A neighbour whose name begins alike is none of it.
  assert.deepEqual(conflictsOf({ L: "", LL: {} }, { L: "", LL: { z: "1" } }, { LL: { z: "1" } })[1], []);
});

test("a third plugin's value is held against the last one written", () => {
  const [, second, third] = conflictsOf({}, { M: 1 }, { M: 2 }, { M: 1 });
  assert.deepEqual([second?.[0]?.first.plugin, third?.[0]?.first.plugin], ["a", "b"]);
});

test("the time for many writes grows with their number", () => {
  const labels = (value: string) => ({
    Labels: Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`l${at}`, value])),
  });
  const before = process.cpuUsage();
  const [, second] = conflictsOf({ Labels: {} }, labels("a"), labels("b"));
  assert.equal(second?.length, 20_000);
  // What this process worked, however long it waited for a processor: a walk over all for each takes half a minute.
  const { user } = process.cpuUsage(before);
  assert.ok(user < 10_000_000, `${user} µs`);
});
