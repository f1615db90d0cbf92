import assert from "node:assert/strict";
import { test } from "node:test";
import type { CriRecord } from "../cri-settings.ts";
import { modesOf, type PodMembership } from "../pod-membership.ts";
import { buildSpec } from "./build-spec.ts";
import { buildProcess } from "./build-process.ts";
import { fakeRootfs, sampleInput } from "./sample-input.ts";
import { sampleRecord } from "./sample-record.ts";

const pinned: PodMembership = {
  podId: "p",
  namespaces: { network: "/pods/p/net", ipc: "/pods/p/ipc", uts: "/pods/p/uts", pid: "own" },
  files: { hostnamePath: "/home/p/hostname", resolvConfPath: "/home/p/resolv.conf", hostsPath: "/home/p/hosts" },
  shmPath: "/pods/p/shm",
  logPath: "/var/log/pods/p/web/0.log",
};

const inPod = (changes: Partial<PodMembership>, cri?: CriRecord) => {
  const pod = { ...pinned, ...changes };
  const record = sampleRecord();
  const hostConfig = { ...record.hostConfig, ...modesOf(pod) };
  return buildSpec(sampleInput({ pod, hostConfig, ...(cri ? { cri } : {}) }, { rootfs }));
};

const rootfs = fakeRootfs({
  "/etc/passwd": "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n",
  "/etc/group": "app:x:1000:\nextra:x:50000:app\n",
});

test("a container of a pod joins its namespaces, has its files and leaves its host name and sysctls alone", () => {
  const { spec } = inPod({});
  assert.deepEqual(spec.linux?.namespaces, [
    { type: "mount" },
    { type: "network", path: "/pods/p/net" },
    { type: "uts", path: "/pods/p/uts" },
    { type: "pid" },
    { type: "ipc", path: "/pods/p/ipc" },
  ]);
  assert.equal(spec.hostname, undefined);
  assert.equal(spec.linux?.sysctl, undefined);
  const sources = new Map(spec.mounts?.map(({ destination, source }) => [destination, source]));
  assert.equal(sources.get("/etc/hostname"), "/home/p/hostname");
  assert.equal(sources.get("/etc/resolv.conf"), "/home/p/resolv.conf");
  assert.equal(sources.get("/etc/hosts"), "/home/p/hosts");
  assert.equal(sources.get("/dev/shm"), "/pods/p/shm");
});

test("what is mounted over a file of the pod's takes its place", () => {
  const point = {
    type: "bind",
    source: "/kubelet/etc-hosts",
    destination: "/etc/hosts",
    mode: "",
    rw: true,
    propagation: "",
  } as const;
  const { spec } = buildSpec(sampleInput({ pod: pinned, mountPoints: [point] }, { rootfs }));
  const sources = spec.mounts?.flatMap(({ destination, source }) => (destination === "/etc/hosts" ? [source] : []));
  assert.deepEqual(sources, ["/kubelet/etc-hosts"]);
});

test("the host's namespaces are none of the container's, and its own are new ones", () => {
  const { shmPath: _shared, ...unshared } = pinned;
  const host = inPod({ ...unshared, namespaces: { network: "host", ipc: "host", uts: "host", pid: "host" } });
  assert.deepEqual(host.spec.linux?.namespaces, [{ type: "mount" }]);
  const own = inPod({ namespaces: { network: "own", ipc: "own", uts: "own", pid: "/proc/7/ns/pid" } }).spec;
  assert.deepEqual(own.linux?.namespaces, [
    { type: "mount" },
    { type: "network" },
    { type: "uts" },
    { type: "pid", path: "/proc/7/ns/pid" },
    { type: "ipc" },
  ]);
  assert.equal(own.hostname, "0123456789ab");
  assert.equal(own.linux?.sysctl?.["net.ipv4.ip_unprivileged_port_start"], "0");
});

test("no init is put in front of what a pod runs unless it is asked for", () => {
  const record = sampleRecord({ pod: pinned });
  const settings = { ...sampleInput().settings, initByDefault: true, initPath: "/bin/init" };
  const args = (changes: object) =>
    buildSpec(sampleInput({ ...record, hostConfig: { ...record.hostConfig, ...changes } }, { settings })).spec.process?.args;
  assert.deepEqual(args({}), ["sh"]);
  assert.deepEqual(args({ Init: true }), ["/sbin/docker-init", "--", "sh"]);
});

test("groups of the image count with the policy Merge, though a group was named, and with Strict they do not", () => {
  const groups = (User: string, cri: CriRecord): number[] | undefined =>
    buildProcess(
      { record: sampleRecord({ cri }), facts: sampleInput().facts, settings: { defaultUlimits: [] }, rootfs },
      {
        Cmd: ["sh"],
        User,
      },
    ).process.user.additionalGids;
  const supplementalGroups = [4000, 3000];
  assert.deepEqual(groups("1000:3000", { supplementalGroups }), [3000, 50000, 4000]);
  assert.deepEqual(groups("app:3000", { supplementalGroups, supplementalGroupsPolicy: "merge" }), [3000, 50000, 4000]);
  assert.deepEqual(groups("1000:3000", { supplementalGroups, supplementalGroupsPolicy: "strict" }), [3000, 4000]);
  assert.deepEqual(groups("app", { supplementalGroupsPolicy: "strict" }), [1000]);
});

test("an ambient capability is one in every set, also for a user other than root", () => {
  const record = sampleRecord({ cri: { ambientCapabilities: ["net_admin"] } });
  const { process } = buildProcess(
    { record, facts: sampleInput().facts, settings: { defaultUlimits: [] }, rootfs },
    {
      Cmd: ["sh"],
      User: "app",
    },
  );
  const { bounding = [], ...sets } = process.capabilities ?? {};
  assert.equal(bounding.includes("CAP_NET_ADMIN") && bounding.includes("CAP_CHOWN"), true);
  const ambient = ["CAP_NET_ADMIN"];
  assert.deepEqual(sets, { effective: ambient, permitted: ambient, inheritable: ambient, ambient });
});

test("what CDI devices bring is in the spec: variables, nodes with their rules, mounts, hooks, groups", () => {
  const edits: NonNullable<CriRecord["cdi"]>["edits"] = {
    env: ["GPU=0"],
    devices: [{ device: { path: "/dev/gpu", type: "c", major: 195, minor: 0 }, access: "rw" }],
    mounts: [{ destination: "/usr/lib/gpu", type: "bind", source: "/lib/gpu", options: ["ro", "bind"] }],
    hooks: [{ stage: "createContainer", hook: { path: "/bin/hook" } }],
    additionalGids: [44],
  };
  const { spec } = inPod({}, { cdi: { names: ["v.com/gpu=0"], edits } });
  assert.equal(spec.process?.env?.includes("GPU=0"), true);
  assert.deepEqual(spec.process?.user.additionalGids, [0, 44]);
  assert.deepEqual(spec.linux?.devices, [{ path: "/dev/gpu", type: "c", major: 195, minor: 0 }]);
  assert.deepEqual(spec.linux?.resources?.devices?.at(-1), { allow: true, type: "c", major: 195, minor: 0, access: "rw" });
  assert.deepEqual(spec.mounts?.at(-1), {
    destination: "/usr/lib/gpu",
    type: "bind",
    source: "/lib/gpu",
    options: ["ro", "bind"],
  });
  assert.deepEqual(spec.hooks, { createContainer: [{ path: "/bin/hook" }] });
});

test("pages and cgroup v2 files are limited where the machine has them", () => {
  const cri = { hugepageLimits: [{ pageSize: "2MB", limitBytes: 1 << 21 }], unified: { "memory.high": "1000000" } };
  const resources = (version: 1 | 2, controllers: string[]) => {
    const { facts } = sampleInput();
    const cgroup = { ...facts.cgroup, version, controllers };
    return buildSpec(sampleInput({ pod: pinned, cri }, { facts: { ...facts, cgroup } })).spec.linux?.resources;
  };
  const two = resources(2, ["memory", "hugetlb"]);
  assert.deepEqual(two?.hugepageLimits, [{ pageSize: "2MB", limit: 1 << 21 }]);
  assert.deepEqual(two?.unified, { "memory.high": "1000000" });
  const none = resources(1, ["memory"]);
  assert.deepEqual([none?.hugepageLimits, none?.unified], [undefined, undefined]);
});
