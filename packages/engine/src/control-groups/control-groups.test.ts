import assert from "node:assert/strict";
import { test } from "node:test";
import { groupHierarchies } from "./control-groups.ts";

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
