import assert from "node:assert/strict";
import { test } from "node:test";
import { oomKillsIn, refusedForksIn } from "./group-events.ts";
import { fakeTree } from "./testing/fake-tree.ts";

// Recorded: of version 1 on Linux 6.18, of version 2 on Debian 12's 6.1.
const memory1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
const memory2 = "low 0\nhigh 0\nmax 81\noom 3\noom_kill 3\noom_group_kill 1\n";

test("processes that were ended for want of memory are counted in both versions", (t) => {
  assert.equal(oomKillsIn([fakeTree(t, { "memory.oom_control": memory1 }), fakeTree(t, { "pids.events": "max 9\n" })]), 2);
  assert.equal(oomKillsIn([fakeTree(t, { "memory.events": memory2 })]), 3);
  assert.equal(oomKillsIn([fakeTree(t, { "memory.events": "oom 3\noom_kill 0\n" })]), 0);
  const old = fakeTree(t, { "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n" });
  assert.equal(oomKillsIn(["/nowhere", old]), undefined);
});

test("refused forks are counted", (t) => {
  assert.equal(refusedForksIn([fakeTree(t, { "pids.events": "max 7\n" })]), 7);
  assert.equal(refusedForksIn([fakeTree(t, {})]), 0);
});
