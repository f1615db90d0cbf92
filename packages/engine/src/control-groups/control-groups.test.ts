import assert from "node:assert/strict";
import { test } from "node:test";
import { folderOfSlice, groupHierarchies, placesWith } from "./control-groups.ts";

const hybrid = `25 30 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
26 25 0:23 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
27 25 0:24 / /sys/fs/cgroup/cpuset rw,nosuid - cgroup cgroup rw,cpuset
28 25 0:25 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw`;
const unified = "31 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate";

test("hierarchies are read from mountinfo; with both versions the controllers are with the first", () => {
  const places = ["memory", "cpuset", "unified"].map((name) => `/sys/fs/cgroup/${name}`);
  assert.deepEqual(groupHierarchies(hybrid), { version: 1, places });
  assert.deepEqual(groupHierarchies(unified), { version: 2, places: ["/sys/fs/cgroup"] });
});

test("a slice lies in those its name begins with", () => {
  assert.equal(folderOfSlice("kubepods.slice"), "/kubepods.slice");
  assert.equal(
    folderOfSlice("kubepods-burstable-pod1.slice"),
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice",
  );
});

test("of version 1 the hierarchies of some controllers, and those of version 2 in any case", () => {
  assert.deepEqual(placesWith(hybrid, ["memory", "pids"]), ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"]);
  assert.deepEqual(placesWith(unified, ["memory", "pids"]), ["/sys/fs/cgroup"]);
  const both = "27 25 0:24 / /sys/fs/cgroup/cpu,pids rw,nosuid - cgroup cgroup rw,cpu,pids";
  assert.deepEqual(placesWith(both, ["pids"]), ["/sys/fs/cgroup/cpu,pids"]);
});
