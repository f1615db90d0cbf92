import assert from "node:assert/strict";
import { test } from "node:test";
import { membershipOf } from "./membership-of.ts";
import type { PodRecord } from "./pod-record.ts";
import { samplePodConfig } from "./sample-config.ts";

const roots = { home: "/home/pods", exec: "/run/pods" };
const pod = (namespaces: PodRecord["config"]["namespaces"]): PodRecord => ({
  id: "p1",
  config: samplePodConfig({ namespaces }),
  created: "2026-01-01T00:00:00Z",
  state: "ready",
  boot: "b",
  ips: [],
  groups: [],
});

test("a container joins what its pod has pinned, and sees its files and shared memory", () => {
  assert.deepEqual(membershipOf(pod({ network: "pod", ipc: "pod", pid: "pod" }), roots, { logPath: "/var/log/0.log" }), {
    podId: "p1",
    namespaces: { network: "/run/pods/p1/net", ipc: "/run/pods/p1/ipc", uts: "/run/pods/p1/uts", pid: "/run/pods/p1/pid" },
    files: {
      hostnamePath: "/home/pods/p1/hostname",
      resolvConfPath: "/home/pods/p1/resolv.conf",
      hostsPath: "/home/pods/p1/hosts",
    },
    shmPath: "/run/pods/p1/shm",
    logPath: "/var/log/0.log",
  });
});

test("a pod of the host's namespaces gives them, the host's names with its network", () => {
  const { namespaces, shmPath } = membershipOf(pod({ network: "node", ipc: "node", pid: "node" }), roots, { logPath: "" });
  assert.deepEqual(namespaces, { network: "host", ipc: "host", uts: "host", pid: "host" });
  assert.equal(shmPath, undefined);
});

test("a container may have another pid namespace than its pod", () => {
  const own = pod({ network: "pod", ipc: "pod", pid: "container" });
  const pidOf = (pid: Parameters<typeof membershipOf>[2]["pid"]): string =>
    membershipOf(own, roots, { logPath: "", ...(pid && { pid }) }).namespaces.pid;
  assert.deepEqual([pidOf(undefined), pidOf("node"), pidOf({ path: "/proc/7/ns/pid" })], ["own", "host", "/proc/7/ns/pid"]);
});
