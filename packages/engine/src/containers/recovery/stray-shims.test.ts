import assert from "node:assert/strict";
import { test } from "node:test";
import { allProcesses, hasChildren, shimsOf } from "./stray-shims.ts";

const shim = (id: string, address: string): string[] => [
  "/usr/bin/containerd-shim-runc-v2",
  "-namespace",
  "pouch",
  "-id",
  id,
  "-address",
  address,
  "",
];

test("shims are known by the address of their containerd; everything else is left alone", () => {
  const processes = [
    { pid: 2, words: shim("ours", "/run/pouch/containerd.sock") },
    { pid: 3, words: shim("other", "/run/containerd/containerd.sock") },
    { pid: 4, words: ["grep", ...shim("ours", "/run/pouch/containerd.sock")] },
    { pid: 5, words: [""] },
  ];
  assert.deepEqual(shimsOf("/run/pouch/containerd.sock", processes), [{ pid: 2, containerId: "ours" }]);
});

test("this process is among all processes, and it is somebody's child", () => {
  assert.ok([...allProcesses()].some(({ pid }) => pid === process.pid));
  assert.equal(hasChildren(process.ppid), true);
  assert.equal(hasChildren(2 ** 22 + 1), false);
});
