import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import {
  ContainerConfigSchema,
  MountPropagation,
  NamespaceMode,
  SecurityProfile_ProfileType as ProfileType,
  Signal,
  SupplementalGroupsPolicy,
  type LinuxContainerSecurityContextSchema,
} from "../../gen/runtime_v1_pb.ts";
import { idOf, podRecord } from "../../testing/fake-containers.ts";
import { translateCreate } from "./create-body.ts";

type Config = Exclude<MessageInitShape<typeof ContainerConfigSchema>, MessageShape<typeof ContainerConfigSchema>>;
type Security = MessageInitShape<typeof LinuxContainerSecurityContextSchema>;

function translated(config: Config = {}, pod = podRecord("web"), host: Partial<Parameters<typeof translateCreate>[2]> = {}) {
  const whole = create(ContainerConfigSchema, { metadata: { name: "app", attempt: 2 }, image: { image: "busybox" }, ...config });
  return translateCreate(whole, pod, {
    hostName: () => "node-1",
    hasSeccomp: true,
    apparmorProfiles: () => ["docker-default", "strict"],
    ...host,
  });
}

const secured = (securityContext: Security, pod = podRecord("web")) => translated({ linux: { securityContext } }, pod);
const invalid = { kind: "invalidArgument" };

test("command, arguments and the rest of the process are Docker's", () => {
  const { body } = translated({
    command: ["/bin/sh"],
    args: ["-c", "true"],
    workingDir: "/srv",
    envs: [{ key: "A", value: Buffer.from("b=ü") }],
    stdin: true,
    stdinOnce: true,
    tty: true,
    stopSignal: Signal.SIGRTMINPLUS3,
  });
  const { Entrypoint, Cmd, WorkingDir, Env, OpenStdin, StdinOnce, Tty, StopSignal, Name, Hostname, Image } = body;
  assert.deepEqual(
    { Entrypoint, Cmd, WorkingDir, Env, OpenStdin, StdinOnce, Tty, StopSignal, Name, Hostname, Image },
    {
      Entrypoint: ["/bin/sh"],
      Cmd: ["-c", "true"],
      WorkingDir: "/srv",
      Env: ["A=b=ü"],
      OpenStdin: true,
      StdinOnce: true,
      Tty: true,
      StopSignal: "SIGRTMIN+3",
      Name: "k8s_app_web_shop_u1_2",
      Hostname: "web",
      Image: "busybox",
    },
  );
});

test("what is not said is left to the image", () => {
  const { body, settings } = translated();
  for (const key of ["Entrypoint", "Cmd", "WorkingDir", "User", "StopSignal", "Tty"] as const)
    assert.equal(key in body, false, key);
  assert.equal(body.HostConfig?.MaskedPaths, undefined);
  assert.equal(settings.supplementalGroups, undefined);
});

test("the pod's control group, handler and name go with it; in the host's network it has the host's name", () => {
  const { body } = translated({}, podRecord("web", { cgroupParent: "/kubepods/pod1", runtimeHandler: "crun" }));
  assert.equal(body.HostConfig?.CgroupParent, "/kubepods/pod1");
  assert.equal(body.HostConfig?.Runtime, "crun");
  assert.equal(body.HostConfig?.Annotations?.["io.kubernetes.cri.sandbox-id"], idOf("web"));
  const onHost = podRecord("web", { namespaces: { network: "node", ipc: "pod", pid: "container" } });
  assert.equal(translated({}, onHost).body.Hostname, "node-1");
});

test("limits are those asked for, and swap beside as much memory is none", () => {
  const { body, settings } = translated({
    linux: {
      resources: {
        cpuPeriod: 100_000n,
        cpuQuota: -1n,
        cpuShares: 512n,
        memoryLimitInBytes: 1n << 26n,
        memorySwapLimitInBytes: 1n << 26n,
        oomScoreAdj: 900n,
        cpusetCpus: "0",
        hugepageLimits: [{ pageSize: "2MB", limit: 4_194_304n }],
        unified: { "memory.high": "100" },
      },
    },
  });
  const { CpuPeriod, CpuQuota, CpuShares, Memory, MemorySwap, OomScoreAdj, CpusetCpus, CpusetMems } = body.HostConfig ?? {};
  assert.deepEqual(
    [CpuPeriod, CpuQuota, CpuShares, Memory, MemorySwap, OomScoreAdj, CpusetCpus, CpusetMems],
    [100_000, -1, 512, 1 << 26, undefined, 900, "0", undefined],
  );
  assert.deepEqual(settings.hugepageLimits, [{ pageSize: "2MB", limitBytes: 4_194_304 }]);
  assert.deepEqual(settings.unified, { "memory.high": "100" });
  assert.throws(() => translated({ linux: { resources: { memoryLimitInBytes: 1n << 60n } } }), invalid);
});

test("a plain read-only mount is of one mount only; recursive where that is asked for", () => {
  const { body, settings } = translated({
    mounts: [
      { containerPath: "data", hostPath: "/srv", readonly: true, propagation: MountPropagation.PROPAGATION_HOST_TO_CONTAINER },
      { containerPath: "/deep", hostPath: "/srv", readonly: true, recursiveReadOnly: true },
      { containerPath: "/rw", hostPath: "/srv", propagation: MountPropagation.PROPAGATION_BIDIRECTIONAL },
      { containerPath: "/files", image: { image: "tools:1" }, imageSubPath: "bin" },
    ],
  });
  const bind = (Target: string, more: object) => ({ Type: "bind", Source: "/srv", Target, ...more });
  assert.deepEqual(body.HostConfig?.Mounts, [
    bind("/data", {
      ReadOnly: true,
      BindOptions: { Propagation: "rslave", CreateMountpoint: true, ReadOnlyNonRecursive: true },
    }),
    bind("/deep", {
      ReadOnly: true,
      BindOptions: { CreateMountpoint: true, ReadOnlyForceRecursive: true },
    }),
    bind("/rw", { BindOptions: { Propagation: "rshared", CreateMountpoint: true } }),
  ]);
  assert.deepEqual(settings.imageVolumes, [{ image: "tools:1", destination: "/files", subPath: "bin" }]);
  assert.deepEqual(
    settings.identity.mounts.map(({ containerPath, propagation }) => [containerPath, propagation]),
    [
      ["data", "hostToContainer"],
      ["/deep", "private"],
      ["/rw", "bidirectional"],
      ["/files", "private"],
    ],
  );
});

test("of several mounts at one path the last is made, and all are told", () => {
  const { body, settings } = translated({
    mounts: [
      { containerPath: "/data", hostPath: "/first" },
      { containerPath: "/files", hostPath: "/srv" },
      { containerPath: "/other", hostPath: "/srv" },
      { containerPath: "data/../data/", hostPath: "/second" },
      { containerPath: "/files/", image: { image: "tools:1" } },
    ],
  });
  assert.deepEqual(
    body.HostConfig?.Mounts?.map(({ Source, Target }) => [Source, Target]),
    [
      ["/second", "/data"],
      ["/srv", "/other"],
    ],
  );
  assert.deepEqual(settings.imageVolumes, [{ image: "tools:1", destination: "/files" }]);
  assert.deepEqual(
    settings.identity.mounts.map(({ containerPath }) => containerPath),
    ["/data", "/files", "/other", "data/../data/", "/files/"],
  );
});

test("mounts that cannot be are refused", () => {
  const refused = (mount: NonNullable<Config["mounts"]>[number]) => assert.throws(() => translated({ mounts: [mount] }), invalid);
  refused({ hostPath: "/srv" });
  refused({ containerPath: "/x" });
  refused({ containerPath: "/x", hostPath: "/srv", image: { image: "a" } });
  refused({ containerPath: "/x", hostPath: "/srv", recursiveReadOnly: true });
  const shared = MountPropagation.PROPAGATION_BIDIRECTIONAL;
  refused({ containerPath: "/x", hostPath: "/srv", readonly: true, recursiveReadOnly: true, propagation: shared });
  refused({ containerPath: "/x", hostPath: "/srv", uidMappings: [{ hostId: 1, containerId: 0, length: 1 }] });
  refused({ containerPath: "/x", hostPath: "/srv", mountOptions: ["noexec"] });
});

test("devices are taken by path, and by CDI's names from the field and from annotations", () => {
  const { body, settings } = translated({
    devices: [
      { hostPath: "/dev/fuse", permissions: "r" },
      { hostPath: "/dev/null", containerPath: "/dev/nil" },
    ],
    CDIDevices: [{ name: "a.com/x=1" }],
    annotations: { "cdi.k8s.io/plugin": "a.com/x=1,a.com/x=2" },
  });
  assert.deepEqual(body.HostConfig?.Devices, [
    { PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "r" },
    { PathOnHost: "/dev/null", PathInContainer: "/dev/nil", CgroupPermissions: "rwm" },
  ]);
  assert.deepEqual(settings.cdiDevices, ["a.com/x=1", "a.com/x=2"]);
});

test("users are numbers or names, with a group or without", () => {
  const user = (context: Security) => secured(context).body.User;
  assert.equal(user({ runAsUser: { value: 1000n } }), "1000");
  assert.equal(user({ runAsUser: { value: 1000n }, runAsGroup: { value: 0n } }), "1000:0");
  assert.equal(user({ runAsUsername: "www", runAsUser: { value: 5n } }), "www");
  assert.equal(user({}), undefined);
  assert.throws(() => user({ runAsGroup: { value: 5n } }), invalid);
  assert.throws(() => user({ runAsUser: { value: -1n } }), invalid);
  const { settings } = secured({ supplementalGroups: [7n], supplementalGroupsPolicy: SupplementalGroupsPolicy.Strict });
  assert.deepEqual([settings.supplementalGroups, settings.supplementalGroupsPolicy], [[7], "strict"]);
});

test("a capability that is added and dropped is dropped", () => {
  const { body, settings } = secured({
    capabilities: {
      addCapabilities: ["NET_ADMIN", "CAP_SYS_TIME"],
      dropCapabilities: ["cap_sys_time", "MKNOD"],
      addAmbientCapabilities: ["NET_BIND_SERVICE"],
    },
  });
  assert.deepEqual([body.HostConfig?.CapAdd, body.HostConfig?.CapDrop], [["NET_ADMIN"], ["cap_sys_time", "MKNOD"]]);
  assert.deepEqual(settings.ambientCapabilities, ["NET_BIND_SERVICE"]);
});

test("profiles of seccomp and AppArmor are the runtime's, none, or the host's, in both of CRI's spellings", () => {
  const options = (context: Security) => secured(context).body.HostConfig?.SecurityOpt;
  const local = { profileType: ProfileType.Localhost, localhostRef: "/etc/profile.json" };
  const byDefault = { profileType: ProfileType.RuntimeDefault };
  assert.deepEqual(options({}), ["seccomp=unconfined"]);
  assert.deepEqual(options({ seccomp: byDefault }), []);
  assert.deepEqual(options({ seccomp: byDefault, apparmor: byDefault }), ["apparmor=docker-default"]);
  assert.deepEqual(options({ seccomp: byDefault, apparmorProfile: "runtime/default" }), ["apparmor=docker-default"]);
  assert.deepEqual(options({ seccompProfilePath: "runtime/default", noNewPrivs: true }), ["no-new-privileges"]);
  assert.deepEqual(options({ seccomp: local, apparmor: { ...local, localhostRef: "strict" } }), ["apparmor=strict"]);
  assert.deepEqual(options({ seccomp: byDefault, apparmor: { profileType: ProfileType.Unconfined } }), ["apparmor=unconfined"]);
  assert.deepEqual(options({ seccomp: byDefault, apparmorProfile: "localhost/strict" }), ["apparmor=strict"]);
  assert.equal(secured({ seccomp: local }).settings.seccompPath, "/etc/profile.json");
  assert.equal(secured({ seccompProfilePath: "localhost//etc/profile.json" }).settings.seccompPath, "/etc/profile.json");
  assert.throws(() => secured({ seccomp: { profileType: ProfileType.Localhost } }), invalid);
  assert.throws(() => secured({ seccompProfilePath: "nonsense" }), invalid);
});

test("a profile of seccomp is refused on a kernel that has none", () => {
  const on = (securityContext: Security, pod = podRecord("web")) =>
    translated({ linux: { securityContext } }, pod, { hasSeccomp: false });
  const local = { profileType: ProfileType.Localhost, localhostRef: "/etc/profile.json" };
  for (const context of [{ seccomp: local }, { seccomp: { profileType: ProfileType.RuntimeDefault } }])
    assert.throws(() => on(context), { kind: "failedPrecondition", message: /^seccomp is not supported: the profile / });
  on({});
  on({ seccomp: { profileType: ProfileType.Unconfined } });
  on({ seccomp: local, privileged: true }, podRecord("web", { privileged: true }));
});

test("a profile of AppArmor that cannot be enforced is refused, whoever's it is", () => {
  const on = (profiles: string[] | undefined, securityContext: Security) =>
    translated({ linux: { securityContext } }, podRecord("web"), { apparmorProfiles: () => profiles });
  const refused = (profiles: string[] | undefined, context: Security, message: RegExp) =>
    assert.throws(() => on(profiles, context), { kind: "failedPrecondition", message });
  const local = { apparmor: { profileType: ProfileType.Localhost, localhostRef: "strict" } };
  const byDefault = { apparmor: { profileType: ProfileType.RuntimeDefault } };
  for (const context of [local, byDefault, { apparmorProfile: "runtime/default" }, { apparmorProfile: "localhost/strict" }])
    refused(undefined, context, /^apparmor is not supported: profile (strict|docker-default) .* has no AppArmor/);
  refused([], local, /^apparmor: profile strict is not loaded on this machine: load it with apparmor_parser -r FILE$/);
  refused(["strict"], byDefault, /^apparmor: profile docker-default, which RuntimeDefault stands for, is not loaded/);
  for (const profiles of [undefined, []]) {
    on(profiles, { apparmorProfile: "unconfined" });
    on(profiles, { apparmor: { profileType: ProfileType.Unconfined } });
    on(profiles, {});
  }
});

test("no path is masked but those that are named", () => {
  const { MaskedPaths, ReadonlyPaths, ReadonlyRootfs } =
    secured({ maskedPaths: ["/proc/kcore"], readonlyRootfs: true }).body.HostConfig ?? {};
  assert.deepEqual([MaskedPaths, ReadonlyPaths, ReadonlyRootfs], [["/proc/kcore"], [], true]);
});

test("a privileged container needs a privileged pod, and user namespaces are refused", () => {
  assert.throws(() => secured({ privileged: true }), { kind: "failedPrecondition" });
  assert.equal(secured({ privileged: true }, podRecord("web", { privileged: true })).body.HostConfig?.Privileged, true);
  const mode = (usernsMode: NamespaceMode) => secured({ namespaceOptions: { usernsOptions: { mode: usernsMode } } });
  assert.throws(() => mode(NamespaceMode.POD), { kind: "invalidArgument", message: /user namespaces are not supported/ });
  mode(NamespaceMode.NODE);
});
