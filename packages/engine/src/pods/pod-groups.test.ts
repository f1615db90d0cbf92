import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { groupHierarchies } from "../containers/leftovers/control-groups.ts";
import { groupsToOwn, makeGroups, removeGroups } from "./pod-groups.ts";

const hybrid = `25 30 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
26 25 0:23 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
27 25 0:24 / /sys/fs/cgroup/cpuset rw,nosuid - cgroup cgroup rw,cpuset
28 25 0:25 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw`;
const unified = "31 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate";

function tree(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "pouch-groups-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

test("hierarchies are read from mountinfo; with both versions the controllers are with the first", () => {
  const places = ["memory", "cpuset", "unified"].map((name) => `/sys/fs/cgroup/${name}`);
  assert.deepEqual(groupHierarchies(hybrid), { version: 1, places });
  assert.deepEqual(groupHierarchies(unified), { version: 2, places: ["/sys/fs/cgroup"] });
});

test("what is not there yet is the pod's own, and what other pods made is that of each of them", (t) => {
  const root = tree(t, { "memory/kubepods/x": "", "cpuset/x": "" });
  const hierarchies = { version: 1 as const, places: [join(root, "memory"), join(root, "cpuset")] };
  assert.deepEqual(groupsToOwn(hierarchies, "/kubepods/pod1", new Set()), [
    join(root, "memory/kubepods/pod1"),
    join(root, "cpuset/kubepods"),
    join(root, "cpuset/kubepods/pod1"),
  ]);
  const claimed = new Set([join(root, "memory/kubepods")]);
  assert.equal(groupsToOwn(hierarchies, "kubepods/pod1/", claimed)[0], join(root, "memory/kubepods"));
});

test("a group of version 1 gets the processors of the one above it", async (t) => {
  const root = tree(t, { "cpuset.cpus": "0-3\n", "cpuset.mems": "0\n" });
  const folders = [join(root, "a"), join(root, "a/b")];
  await makeGroups(folders);
  await makeGroups(folders);
  for (const folder of folders) assert.equal(readFileSync(join(folder, "cpuset.cpus"), "utf8"), "0-3");
});

test("a group of version 2 is handed the controllers that are not handed down yet", async (t) => {
  // Recorded on Debian 12: /sys/fs/cgroup.
  const controllers = "cpuset cpu io memory hugetlb pids rdma misc\n";
  const root = tree(t, { "cgroup.controllers": controllers, "cgroup.subtree_control": "cpu memory pids\n", "cpuset.cpus": "" });
  await makeGroups([join(root, "kubepods")]);
  // In a real tree each write adds one; in a file the last one stays.
  assert.equal(readFileSync(join(root, "cgroup.subtree_control"), "utf8"), "+misc");
  assert.ok(existsSync(join(root, "kubepods")));
});

test("groups that are empty go, those that somebody uses stay", async (t) => {
  const root = tree(t, { "a/other/x": "" });
  mkdirSync(join(root, "a/b"));
  await removeGroups([join(root, "a"), join(root, "a/b"), join(root, "a/b/gone")]);
  assert.ok(existsSync(join(root, "a/other")));
  assert.ok(!existsSync(join(root, "a/b")));
});
