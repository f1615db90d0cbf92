import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostConfig } from "@pouchcontainer/api";
import type { LinuxSpec, RuntimeSpec, SpecMount } from "@pouchcontainer/oci";
import type { MountPointRecord } from "../container-record.ts";
import { sampleFacts } from "../config/sample-settings.ts";
import { buildSpec } from "./build-spec.ts";
import { fakeRootfs, sampleInput } from "./sample-input.ts";
import { sampleRecord, sampleSettings } from "./sample-record.ts";
import type { SpecInput } from "./spec-input.ts";

function build(
  hostConfig: HostConfig = {},
  changes: Partial<SpecInput> = {},
): { spec: RuntimeSpec; linux: LinuxSpec; warnings: string[] } {
  const defaults = sampleRecord().hostConfig;
  const input = sampleInput({ hostConfig: { ...defaults, ...hostConfig } }, changes);
  const { spec, warnings } = buildSpec(input);
  assert.ok(spec.linux);
  return { spec, linux: spec.linux, warnings };
}
const mountAt = (spec: RuntimeSpec, destination: string): SpecMount | undefined =>
  spec.mounts?.find((mount) => mount.destination === destination);
const types = (linux: LinuxSpec): string[] => (linux.namespaces ?? []).map(({ type }) => type);

test("a container that asks for nothing has what dockerd gives it", () => {
  const { spec, linux, warnings } = build();
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    spec.mounts?.map(({ destination }) => destination),
    ["/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm"],
  );
  assert.deepEqual(mountAt(spec, "/dev/shm")?.options, ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]);
  assert.deepEqual(types(linux), ["mount", "network", "uts", "pid", "ipc"]);
  assert.deepEqual(linux.sysctl, { "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647" });
  assert.equal(linux.cgroupsPath, `/pouch/${"0123456789ab".padEnd(64, "0")}`);
  assert.equal(linux.resources?.devices?.length, 8);
  assert.deepEqual(Object.keys(linux.resources ?? {}), ["devices"]);
  assert.equal(spec.process?.capabilities?.bounding?.length, 14);
  assert.deepEqual(spec.process?.env, [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOSTNAME=0123456789ab",
    "HOME=/",
  ]);
  assert.ok(linux.seccomp);
});

test("limits become resources, nano CPUs a quota", () => {
  const { linux } = build({
    Memory: 64e6,
    MemorySwap: -1,
    MemoryReservation: 32e6,
    NanoCpus: 1.5e9,
    PidsLimit: 7,
    CpusetCpus: "0",
    CpuShares: 512,
  });
  const { memory, cpu, pids } = linux.resources ?? {};
  assert.deepEqual(memory, { limit: 64e6, reservation: 32e6, swap: -1 });
  assert.deepEqual(cpu, { shares: 512, period: 100_000, quota: 150_000, cpus: "0" });
  assert.deepEqual(pids, { limit: 7 });
});

test("on cgroup v2 the knobs of v1 are left out and the namespace is private", () => {
  const { cgroup } = sampleFacts();
  const facts = sampleFacts({
    cgroup: { ...cgroup, version: 2, memorySwappiness: false, oomKillDisable: false, kernelMemory: false },
  });
  const { linux } = build(
    { Memory: 64e6, MemorySwap: 128e6, MemorySwappiness: 10, OomKillDisable: true, KernelMemory: 32e6, CgroupnsMode: "private" },
    { facts },
  );
  assert.deepEqual(linux.resources?.memory, { limit: 64e6, swap: 128e6 });
  assert.ok(types(linux).includes("cgroup"));
});

test("block I/O limits name devices by number", () => {
  const { linux } = build({ BlkioWeight: 300, BlkioDeviceReadBps: [{ Path: "/dev/sda", Rate: 1e6 }] });
  assert.deepEqual(linux.resources?.blockIO, { weight: 300, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1e6 }] });
  assert.throws(() => build({ BlkioDeviceReadBps: [{ Path: "/dev/none", Rate: 1 }] }), /no such device: "\/dev\/none"/);
});

test("devices and their rules are mapped, folders node by node", () => {
  const { linux } = build({
    Devices: [{ PathOnHost: "/dev/sda", PathInContainer: "/dev/xvda", CgroupPermissions: "r" }, { PathOnHost: "/dev/snd" }],
    DeviceCgroupRules: ["c 13:* rw"],
  });
  assert.deepEqual(
    linux.devices?.map(({ path, major, minor }) => [path, major, minor]),
    [
      ["/dev/xvda", 8, 0],
      ["/dev/snd/seq", 116, 1],
    ],
  );
  assert.deepEqual(linux.resources?.devices?.slice(8), [
    { allow: true, type: "b", major: 8, minor: 0, access: "r" },
    { allow: true, type: "c", major: 116, minor: 1, access: "rwm" },
    { allow: true, type: "c", major: 13, access: "rw" },
  ]);
  assert.throws(
    () => build({ Devices: [{ PathOnHost: "/dev/nope" }] }),
    /error gathering device information while adding custom device "\/dev\/nope": no such file or directory/,
  );
});

test("privileged: every device, nothing masked, no filter, writable sysfs and cgroups", () => {
  const { spec, linux } = build({ Privileged: true });
  assert.deepEqual(linux.resources?.devices, [{ allow: true, access: "rwm" }]);
  assert.equal(linux.devices?.length, 3);
  assert.deepEqual([linux.maskedPaths, linux.readonlyPaths, linux.seccomp], [undefined, undefined, undefined]);
  assert.ok(!mountAt(spec, "/sys")?.options?.includes("ro"));
  assert.ok(!mountAt(spec, "/sys/fs/cgroup")?.options?.includes("ro"));
  assert.equal(spec.process?.capabilities?.effective?.length, 41);
});

test("message queues are mounted for the container, with the host's IPC too: a host need not have a mount of them", () => {
  for (const IpcMode of ["private", "host"]) assert.equal(mountAt(build({ IpcMode }).spec, "/dev/mqueue")?.type, "mqueue");
});

test("namespace modes: host leaves one out, container joins one", () => {
  assert.deepEqual(types(build({ NetworkMode: "host", PidMode: "host", IpcMode: "host", UTSMode: "host" }).linux), ["mount"]);
  const { spec, linux } = build(
    { PidMode: "container:a", IpcMode: "container:b" },
    { joined: { pid: { pid: 10 }, ipc: { pid: 20, shmPath: "/run/b/shm" } }, network: { netnsPath: "/run/netns/n1" } },
  );
  const path = (type: string): string | undefined => linux.namespaces?.find((namespace) => namespace.type === type)?.path;
  assert.deepEqual([path("pid"), path("ipc"), path("network")], ["/proc/10/ns/pid", "/proc/20/ns/ipc", "/run/netns/n1"]);
  assert.equal(mountAt(spec, "/dev/shm")?.source, "/run/b/shm");
  assert.throws(() => build({ PidMode: "container:a" }), { message: "cannot join PID of a non running container: a" });
});

test("the host's network gets no sysctl, and the host's name only where its UTS is shared", () => {
  const { spec, linux } = build({ NetworkMode: "host", Sysctls: { "kernel.msgmax": "1" } });
  assert.deepEqual(linux.sysctl, { "kernel.msgmax": "1" });
  assert.equal(spec.hostname, "0123456789ab");
  assert.equal(build({ UTSMode: "host" }).spec.hostname, undefined);
});

test("init goes in front of the command, is mounted, and is missed aloud", () => {
  const { spec } = build({ Init: true }, { settings: sampleSettings({ initPath: "/usr/bin/tini" }) });
  assert.deepEqual(spec.process?.args, ["/sbin/docker-init", "--", "sh"]);
  assert.deepEqual(mountAt(spec, "/sbin/docker-init"), {
    destination: "/sbin/docker-init",
    type: "bind",
    source: "/usr/bin/tini",
    options: ["bind", "ro"],
  });
  assert.throws(() => build({ Init: true }), /no init program on this machine/);
});

test("hooks keep their order, environment and deadline", () => {
  const hooks = [
    { priority: 5, args: ["/bin/first", "a"], env: ["X=1"], timeoutSeconds: 3, plugin: "p" },
    { priority: -1, args: ["/bin/second"], timeoutSeconds: 30, plugin: "q" },
  ];
  assert.deepEqual(build({}, { hooks }).spec.hooks?.prestart, [
    { path: "/bin/first", args: ["/bin/first", "a"], env: ["X=1"], timeout: 3 },
    { path: "/bin/second", args: ["/bin/second"], timeout: 30 },
  ]);
});

test("network files are bound, and follow a read-only root", () => {
  const network = { hostsPath: "/c/hosts", resolvConfPath: "/c/resolv.conf", hostnamePath: "/c/hostname" };
  assert.deepEqual(mountAt(build({}, { network }).spec, "/etc/hosts")?.options, ["rbind", "rprivate"]);
  const { spec } = build({ ReadonlyRootfs: true }, { network });
  assert.deepEqual(mountAt(spec, "/etc/hosts")?.options, ["rbind", "ro", "rprivate"]);
  assert.equal(spec.root?.readonly, true);
  assert.ok(!mountAt(spec, "/dev/shm")?.options?.includes("ro"));
});

test("the kernel's file systems are on a read-only root what they are on another", () => {
  const access = (hostConfig: HostConfig) =>
    ["/proc", "/dev", "/sys", "/sys/fs/cgroup"].filter((place) =>
      mountAt(build({ ...hostConfig, ReadonlyRootfs: true }).spec, place)?.options?.includes("ro"),
    );
  assert.deepEqual(access({}), ["/sys", "/sys/fs/cgroup"]);
  assert.deepEqual(access({ SecurityOpt: ["writable-cgroups=true"] }), ["/sys"]);
  assert.deepEqual(access({ Privileged: true }), []);
});

test("a mount of the user's replaces ours, parents come before children", () => {
  const point = (destination: string): MountPointRecord => ({
    type: "bind",
    source: "/src",
    destination,
    mode: "",
    rw: true,
    propagation: "rprivate",
  });
  const input = sampleInput({ mountPoints: [point("/a/b/c"), point("/dev/shm"), point("/a")] });
  const { spec } = buildSpec(input);
  assert.equal(mountAt(spec, "/dev/shm")?.source, "/src");
  const order = spec.mounts?.map(({ destination }) => destination) ?? [];
  assert.ok(order.indexOf("/a") < order.indexOf("/a/b/c"));
  assert.equal(order.filter((destination) => destination === "/dev/shm").length, 1);
  const own = buildSpec(sampleInput({ mountPoints: [point("/dev")] }));
  assert.ok(!own.spec.mounts?.some(({ destination }) => destination.startsWith("/dev/pts")));
});

test("propagation reaches the root file system, and a source that cannot pass mounts on is refused", () => {
  const shared = (source: string, propagation: string): MountPointRecord[] => [
    { type: "bind", source, destination: "/x", mode: "", rw: true, propagation },
  ];
  assert.equal(buildSpec(sampleInput({ mountPoints: shared("/data", "rshared") })).spec.linux?.rootfsPropagation, "shared");
  assert.equal(buildSpec(sampleInput({ mountPoints: shared("/data", "rslave") })).spec.linux?.rootfsPropagation, "rslave");
  assert.throws(() => buildSpec(sampleInput({ mountPoints: shared("/private/x", "shared") })), {
    message: "path /private/x is mounted on /private but it is not a shared mount",
  });
});

test("propagation is judged by where a source's links lead, and told of by what was written", () => {
  const bind = (source: string, propagation: string): { mountPoints: MountPointRecord[] } => ({
    mountPoints: [{ type: "bind", source, destination: "/x", mode: "", rw: true, propagation }],
  });
  const sources = new Map([
    ["/link", "/private/x"],
    ["/private/link", "/data"],
  ]);
  assert.throws(() => buildSpec(sampleInput(bind("/link", "rshared"), { sources })), {
    message: "path /link is mounted on /private but it is not a shared mount",
  });
  assert.equal(buildSpec(sampleInput(bind("/private/link", "rshared"), { sources })).spec.linux?.rootfsPropagation, "shared");
  // A slave that nobody asked for is one where it can be.
  const { spec } = buildSpec(sampleInput(bind("/link", "rslave"), { sources }));
  assert.deepEqual(mountAt(spec, "/x")?.options, ["rbind", "rprivate"]);
});

test("a read-only bind covers what is mounted below it where the runtime can", () => {
  const mountPoints: MountPointRecord[] = [
    { type: "bind", source: "/s", destination: "/x", mode: "ro", rw: false, propagation: "rprivate" },
  ];
  const options = (recursiveReadOnly: boolean): string[] | undefined =>
    mountAt(buildSpec(sampleInput({ mountPoints }, { settings: sampleSettings({ recursiveReadOnly }) })).spec, "/x")?.options;
  assert.deepEqual(options(false), ["rbind", "ro", "rprivate"]);
  assert.deepEqual(options(true), ["rbind", "rro", "rprivate"]);
  const facts = sampleFacts({ kernel: { release: "5.10.0", version: [5, 10] } });
  const input = sampleInput({ mountPoints }, { settings: sampleSettings({ recursiveReadOnly: true }), facts });
  assert.deepEqual(mountAt(buildSpec(input).spec, "/x")?.options, ["rbind", "ro", "rprivate"]);
});

test("tmpfs options override the defaults flag by flag", () => {
  const { spec } = build({ Tmpfs: { "/t": "exec,size=1m,mode=755" } });
  assert.deepEqual(mountAt(spec, "/t")?.options, ["nosuid", "nodev", "rprivate", "exec", "size=1m", "mode=755"]);
  assert.throws(() => build({ Tmpfs: { "/t": "foo" } }), /Invalid tmpfs option/);
});

test("the systemd driver names a slice and a scope", () => {
  const settings = sampleSettings({ cgroupDriver: "systemd" });
  assert.match(build({}, { settings }).linux.cgroupsPath ?? "", /^system\.slice:pouch:0123456789ab/);
  assert.match(build({ CgroupParent: "my.slice" }, { settings }).linux.cgroupsPath ?? "", /^my\.slice:pouch:/);
  assert.match(build({ CgroupParent: "mine" }).linux.cgroupsPath ?? "", /^\/mine\/0123/);
});

test("what the daemon lacks is left out with a warning: capability, limit, score", () => {
  const facts = sampleFacts({
    boundingCapabilities: sampleFacts().boundingCapabilities.filter((name) => name !== "CAP_SYS_RESOURCE"),
    mayRaiseLimits: false,
    hardLimits: { RLIMIT_NOFILE: 100 },
  });
  const { spec, warnings } = build(
    { CapAdd: ["SYS_RESOURCE", "NET_ADMIN"], OomScoreAdj: -500, Ulimits: [{ Name: "nofile", Soft: 200, Hard: -1 }] },
    { facts },
  );
  const names = spec.process?.capabilities?.effective ?? [];
  assert.deepEqual([names.includes("CAP_SYS_RESOURCE"), names.includes("CAP_NET_ADMIN")], [false, true]);
  assert.deepEqual(spec.process?.rlimits, [{ type: "RLIMIT_NOFILE", hard: 100, soft: 100 }]);
  assert.equal(spec.process?.oomScoreAdj, 0);
  assert.deepEqual(warnings, [
    "The daemon does not hold CAP_SYS_RESOURCE and cannot give it to a container. Capability discarded.",
    "The daemon may not raise ulimit nofile to unlimited; its own limit 100 is used.",
    "The daemon may not lower oom_score_adj to -500; its own value 0 is used.",
  ]);
});

test("--cap-drop ALL with additions leaves exactly those", () => {
  const { spec } = build({ CapDrop: ["ALL"], CapAdd: ["net_bind_service"] });
  assert.deepEqual(spec.process?.capabilities?.bounding, ["CAP_NET_BIND_SERVICE"]);
  const most = build({ CapAdd: ["ALL"], CapDrop: ["SYS_ADMIN"] }).spec.process?.capabilities?.bounding ?? [];
  assert.deepEqual([most.length, most.includes("CAP_SYS_ADMIN")], [40, false]);
});

test("a profile of the user's own replaces the filter, unconfined removes it", () => {
  assert.equal(build({ SecurityOpt: ["seccomp=unconfined"] }).linux.seccomp, undefined);
  const profile = JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
    syscalls: [
      { names: ["mkdir"], action: "SCMP_ACT_ERRNO" },
      { name: "reboot", action: "SCMP_ACT_ERRNO", includes: { caps: ["CAP_SYS_BOOT"] } },
      { names: ["bpf"], action: "SCMP_ACT_ERRNO", excludes: { minKernel: "4.8" } },
    ],
  });
  assert.deepEqual(build({ SecurityOpt: [`seccomp=${profile}`] }).linux.seccomp, {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }],
  });
  for (const [bad, message] of [
    ["bar", /^Decoding seccomp profile failed: /],
    ["null", "Decoding seccomp profile failed: it must be an object, got null"],
    ["[]", "Decoding seccomp profile failed: it must be an object, got a list"],
    ["{}", "Decoding seccomp profile failed: defaultAction is missing"],
    ['{"defaultAction":"A","archMap":5}', "Decoding seccomp profile failed: archMap must be a list, got 5"],
    ['{"defaultAction":"A","syscalls":[5]}', "Decoding seccomp profile failed: syscalls[0] must be an object, got 5"],
    ['{"defaultAction":"A","syscalls":[null]}', "Decoding seccomp profile failed: syscalls[0].action is missing"],
    [
      '{"defaultAction":"A","syscalls":[{"action":"A","excludes":{"caps":7}}]}',
      "Decoding seccomp profile failed: syscalls[0].excludes.caps must be a list, got 7",
    ],
  ] as const)
    assert.throws(() => build({ SecurityOpt: [`seccomp=${bad}`] }), { kind: "invalidArgument", message });
});

test("the default filter opens with capabilities", () => {
  const allowed = (hostConfig: HostConfig): string[] =>
    build(hostConfig).linux.seccomp?.syscalls?.flatMap(({ names, action, args }) =>
      action === "SCMP_ACT_ALLOW" && !args ? names : [],
    ) ?? [];
  assert.ok(!allowed({}).includes("mount"));
  assert.ok(allowed({ CapAdd: ["SYS_ADMIN"] }).includes("mount"));
  assert.ok(!allowed({}).includes("io_uring_setup"));
  assert.ok(allowed({}).includes("ptrace"), "kernel 6.1");
  const old = build({}, { facts: sampleFacts({ kernel: { release: "4.4.0", version: [4, 4] } }) }).linux.seccomp?.syscalls?.[0]
    ?.names;
  assert.ok(!old?.includes("ptrace"));
});

test("memory protection keys are anybody's", () => {
  const names = build({}).linux.seccomp?.syscalls?.[0]?.names ?? [];
  for (const name of ["pkey_alloc", "pkey_free", "pkey_mprotect"]) assert.ok(names.includes(name), name);
});

test("a kernel without seccomp runs what brings no profile, and refuses one that nobody would enforce", () => {
  const facts = sampleFacts({ seccomp: false });
  for (const hostConfig of [{}, { SecurityOpt: ["seccomp=unconfined"] }, { SecurityOpt: ["seccomp=builtin"] }])
    assert.equal(build(hostConfig, { facts }).linux.seccomp, undefined);
  assert.throws(() => build({ SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ERRNO"}'] }, { facts }), {
    kind: "failedPrecondition",
    message: /^seccomp is not supported/,
  });
});

test("AppArmor's profile is named only where it is loaded", () => {
  assert.equal(build().spec.process?.apparmorProfile, undefined);
  const facts = sampleFacts({ apparmor: true, apparmorProfiles: ["docker-default"] });
  assert.equal(build({}, { facts }).spec.process?.apparmorProfile, "docker-default");
  assert.equal(build({ Privileged: true }, { facts }).spec.process?.apparmorProfile, "unconfined");
  assert.equal(build({ SecurityOpt: ["apparmor=mine"] }, { facts }).spec.process?.apparmorProfile, "mine");
});

test("a subpath of a volume is mounted from the place where it was looked up, never by its path", () => {
  const mountPoints: MountPointRecord[] = [
    {
      type: "volume",
      name: "v",
      source: "/volumes/v",
      destination: "/x",
      mode: "",
      rw: true,
      propagation: "",
      spec: { Type: "volume", VolumeOptions: { Subpath: "a" } },
    },
  ];
  const { spec } = buildSpec({ ...sampleInput({ mountPoints }), subpaths: new Map([["/x", "/run/place"]]) });
  assert.equal(spec.mounts?.find(({ destination }) => destination === "/x")?.source, "/run/place");
  assert.throws(() => buildSpec(sampleInput({ mountPoints })), /the subpath for \/x was not looked up/);
});

test("the user comes from the image's files", () => {
  const rootfs = fakeRootfs({ "/etc/passwd": "web:x:1000:1001::/home/web:/bin/sh\n", "/etc/group": "logs:x:7:web\n" });
  const record = { config: { Hostname: "h", User: "web" }, hostConfig: { ...sampleRecord().hostConfig, GroupAdd: ["9"] } };
  const { spec } = buildSpec(sampleInput(record, { rootfs }));
  assert.deepEqual(spec.process?.user, { uid: 1000, gid: 1001, additionalGids: [1001, 7, 9] });
  assert.deepEqual(Object.keys(spec.process?.capabilities ?? {}), ["bounding"]);
  assert.ok(spec.process?.env?.includes("HOME=/home/web"));
});
