import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { endAndRemoveGroups } from "./end-groups.ts";
import { fakeTree } from "./testing/fake-tree.ts";

/** A tree of files is no kernel's: what ends is taken out of it by the test. */
async function endingIn(root: string, file: string): Promise<NodeJS.Signals | null> {
  const child = spawn("sleep", ["100"]);
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  writeFileSync(join(root, file), `0\n${child.pid}\n`);
  const ending = endAndRemoveGroups([root]);
  const [, signal] = await ended;
  writeFileSync(join(root, file), "");
  await ending;
  return signal;
}

test("of version 2 groups are frozen and killed as one; a process in a group below that is still there is killed", async (t) => {
  const root = fakeTree(t, { "cgroup.kill": "", "cgroup.freeze": "0\n", "pids.max": "512\n", "below/cgroup.procs": "" });
  assert.equal(await endingIn(root, "below/cgroup.procs"), "SIGKILL");
  const written = ["cgroup.kill", "cgroup.freeze", "pids.max"].map((file) => readFileSync(join(root, file), "utf8"));
  assert.deepEqual(written, ["1\n", "1\n", "0\n"]);
});

test("of version 1 nothing can start any more before what runs is killed", async (t) => {
  const root = fakeTree(t, { "pids.max": "max\n", "cgroup.procs": "" });
  assert.equal(await endingIn(root, "cgroup.procs"), "SIGKILL");
  assert.equal(readFileSync(join(root, "pids.max"), "utf8"), "0\n");
  assert.ok(!existsSync(join(root, "cgroup.kill")));
});

test("empty groups are removed with those below them, those that are gone already are no failure", async (t) => {
  const root = fakeTree(t, {});
  mkdirSync(join(root, "one/two/three"), { recursive: true });
  await endAndRemoveGroups([join(root, "one"), join(root, "gone")]);
  assert.ok(!existsSync(join(root, "one")));
  await endAndRemoveGroups([]);
  assert.ok(existsSync(root));
});
