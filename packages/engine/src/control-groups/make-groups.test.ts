import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeGroups, removeGroups } from "./make-groups.ts";
import { fakeTree } from "./testing/fake-tree.ts";

test("a group of version 1 gets the processors of the one above it", async (t) => {
  const root = fakeTree(t, { "cpuset.cpus": "0-3\n", "cpuset.mems": "0\n" });
  const folders = [join(root, "a"), join(root, "a/b")];
  await makeGroups(folders);
  await makeGroups(folders);
  for (const folder of folders) assert.equal(readFileSync(join(folder, "cpuset.cpus"), "utf8"), "0-3");
});

test("a group of version 2 is handed the controllers that are not handed down yet", async (t) => {
  // Recorded on Debian 12: /sys/fs/cgroup.
  const controllers = "cpuset cpu io memory hugetlb pids rdma misc\n";
  const root = fakeTree(t, {
    "cgroup.controllers": controllers,
    "cgroup.subtree_control": "cpu memory pids\n",
    "cpuset.cpus": "",
  });
  await makeGroups([join(root, "kubepods")]);
  // In a real tree each write adds one; in a file the last one stays.
  assert.equal(readFileSync(join(root, "cgroup.subtree_control"), "utf8"), "+misc");
  assert.ok(existsSync(join(root, "kubepods")));
});

test("groups that are empty go, those that somebody uses stay", async (t) => {
  const root = fakeTree(t, { "a/other/x": "" });
  mkdirSync(join(root, "a/b"));
  await removeGroups([join(root, "a"), join(root, "a/b"), join(root, "a/b/gone")]);
  assert.ok(existsSync(join(root, "a/other")));
  assert.ok(!existsSync(join(root, "a/b")));
});
