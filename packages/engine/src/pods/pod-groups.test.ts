import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fakeTree } from "../control-groups/testing/fake-tree.ts";
import { groupsToOwn } from "./pod-groups.ts";

test("what is not there yet is the pod's own, and what other pods made is that of each of them", (t) => {
  const root = fakeTree(t, { "memory/kubepods/x": "", "cpuset/x": "" });
  const hierarchies = { version: 1 as const, places: [join(root, "memory"), join(root, "cpuset")] };
  assert.deepEqual(groupsToOwn(hierarchies, "/kubepods/pod1", new Set()), [
    join(root, "memory/kubepods/pod1"),
    join(root, "cpuset/kubepods"),
    join(root, "cpuset/kubepods/pod1"),
  ]);
  const claimed = new Set([join(root, "memory/kubepods")]);
  assert.equal(groupsToOwn(hierarchies, "kubepods/pod1/", claimed)[0], join(root, "memory/kubepods"));
});
