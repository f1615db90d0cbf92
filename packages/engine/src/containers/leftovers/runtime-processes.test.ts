import assert from "node:assert/strict";
import { test } from "node:test";
import { runtimeProcesses, runtimeProcessesAmong, withDescendants } from "./runtime-processes.ts";

const id = "a".repeat(64);
const marks = {
  address: "/run/pouch/containerd.sock",
  namespace: "pouch",
  states: "/run/pouch/runc/pouch",
  exec: "/run/pouch/containers",
};
const hook = (exec: string): string[] => [
  "/bin/sh",
  "-c",
  "script",
  "pouch-hook",
  "m1",
  "30",
  `${exec}/${id}/hook-output-0`,
  "/bin/true",
  "",
];
const shim = (containerId: string, address: string, namespace = "pouch"): string[] => [
  "/usr/bin/containerd-shim-runc-v2",
  "-namespace",
  namespace,
  "-id",
  containerId,
  "-address",
  address,
  "",
];

test("shims are known by containerd's address and our namespace, the runtime by its root, hooks by our folder; everything else is left alone", () => {
  const processes = [
    shim("ours", "/run/pouch/containerd.sock"),
    shim("of another containerd", "/run/containerd/containerd.sock"),
    shim("of another namespace of ours", "/run/pouch/containerd.sock", "k8s.io"),
    ["grep", ...shim("a word", "/run/pouch/containerd.sock")],
    ["runc", "--root", "/run/pouch/runc/pouch", "create", "--bundle", "/b", id, ""],
    ["runc", "--root", "/run/other/runc/pouch", "create", "--bundle", "/b", id, ""],
    ["runc", "init", ""],
    hook("/run/pouch/containers"),
    hook("/run/other/containers"),
    [""],
  ].map((words, index) => ({ pid: index + 1, words }));
  assert.deepEqual(runtimeProcessesAmong(processes, marks), [
    { pid: 1, containerId: "ours" },
    { pid: 5, containerId: id },
    { pid: 8, containerId: id, mark: "m1" },
  ]);
});

test("this process is below its parent, itself last; of one that is gone there is nothing", async () => {
  assert.ok(withDescendants(process.ppid).includes(process.pid));
  assert.equal(withDescendants(process.pid).at(-1), process.pid);
  assert.deepEqual(withDescendants(2 ** 22 + 1), []);
  assert.deepEqual(await runtimeProcesses({ ...marks, address: "/nowhere" }), []);
});
