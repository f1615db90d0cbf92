import type { IndexInfo, RegistryServiceConfig, RuntimeInfo, SystemInfo } from "@pouchcontainer/api";
import type { ContainerStatus } from "../containers/container-record.ts";
import type { HostFacts } from "../containers/spec/index.ts";
import { isIP } from "node:net";
import type { Machine } from "./machine.ts";
import type { ProgramVersion } from "./program-versions.ts";
import type { SystemSettings } from "./system-deps.ts";

export interface InfoFacts {
  facts: HostFacts;
  machine: Machine;
  settings: SystemSettings;
  containerd: { address: string; namespace: string };
  statuses: readonly ContainerStatus[];
  imageCount: number;
  containerdVersion: { version: string; revision: string };
  runtimeVersion: ProgramVersion | undefined;
  initVersion: ProgramVersion | undefined;
  openFiles: number;
  listeners: number;
  /** RFC 3339. */
  now: string;
}

/** The answer to `info`. */
export function systemInfo(input: InfoFacts): SystemInfo {
  const { facts, machine, settings, statuses } = input;
  const { cgroup } = facts;
  const running = statuses.filter((status) => status === "running" || status === "restarting").length;
  const paused = statuses.filter((status) => status === "paused").length;
  return {
    ID: settings.id,
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: statuses.length - running - paused,
    Images: input.imageCount,
    Driver: settings.snapshotter,
    DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]],
    Plugins: {
      Volume: ["local"],
      Network: [...settings.networkDrivers],
      Authorization: null,
      Log: [...settings.logDrivers],
    },
    MemoryLimit: cgroup.memoryLimit,
    SwapLimit: cgroup.swapLimit,
    KernelMemory: cgroup.kernelMemory,
    KernelMemoryTCP: cgroup.kernelMemoryTcp,
    CpuCfsPeriod: cgroup.cpuCfs,
    CpuCfsQuota: cgroup.cpuCfs,
    CPUShares: cgroup.cpuShares,
    CPUSet: cgroup.cpuset,
    PidsLimit: cgroup.pidsLimit,
    IPv4Forwarding: facts.ipv4Forwarding,
    BridgeNfIptables: facts.bridgeNfIptables,
    BridgeNfIp6tables: facts.bridgeNfIp6tables,
    Debug: settings.debug,
    NFd: input.openFiles,
    OomKillDisable: cgroup.oomKillDisable,
    NGoroutines: 0,
    SystemTime: input.now,
    LoggingDriver: settings.loggingDriver,
    CgroupDriver: settings.cgroupDriver,
    CgroupVersion: String(cgroup.version),
    NEventsListener: input.listeners,
    KernelVersion: facts.kernel.release,
    OperatingSystem: machine.operatingSystem,
    OSVersion: machine.osVersion,
    OSType: "linux",
    Architecture: machine.machine,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: registryConfig(settings),
    NCPU: facts.cpus,
    MemTotal: facts.memoryBytes,
    GenericResources: null,
    DockerRootDir: settings.homeDirectory,
    HttpProxy: withoutCredentials(settings.env["HTTP_PROXY"] ?? settings.env["http_proxy"] ?? ""),
    HttpsProxy: withoutCredentials(settings.env["HTTPS_PROXY"] ?? settings.env["https_proxy"] ?? ""),
    NoProxy: settings.env["NO_PROXY"] ?? settings.env["no_proxy"] ?? "",
    Name: machine.hostname,
    Labels: [...settings.labels],
    ExperimentalBuild: false,
    ServerVersion: settings.version,
    Runtimes: runtimes(settings),
    DefaultRuntime: settings.defaultRuntime,
    Swarm: { NodeID: "", NodeAddr: "", LocalNodeState: "inactive", ControlAvailable: false, Error: "", RemoteManagers: null },
    LiveRestoreEnabled: settings.liveRestore,
    Isolation: "",
    InitBinary: settings.initPath ?? "",
    ContainerdCommit: { ID: input.containerdVersion.revision, Expected: input.containerdVersion.revision },
    RuncCommit: commit(input.runtimeVersion),
    InitCommit: commit(input.initVersion),
    SecurityOptions: securityOptions(facts, settings),
    Containerd: {
      Address: input.containerd.address,
      Namespaces: { Containers: input.containerd.namespace, Plugins: input.containerd.namespace },
    },
    Warnings: warnings(facts, settings),
  };
}

/** "Expected" is Docker's release check; nothing is expected here but what is installed. */
function commit(version: ProgramVersion | undefined): { ID: string; Expected: string } {
  return { ID: version?.commit ?? "", Expected: version?.commit ?? "" };
}

function runtimes(settings: SystemSettings): Record<string, RuntimeInfo> {
  return Object.fromEntries(Object.entries(settings.runtimes).map(([name, path]) => [name, { path }]));
}

function registryConfig({ insecureRegistries, registryMirrors }: SystemSettings): RegistryServiceConfig {
  const networks = insecureRegistries.filter((entry) => isIP(entry.split("/")[0] ?? "") !== 0 && entry.includes("/"));
  const hosts = insecureRegistries.filter((entry) => !networks.includes(entry));
  const hub: IndexInfo = { Name: "docker.io", Mirrors: [...registryMirrors], Secure: true, Official: true };
  return {
    AllowNondistributableArtifactsCIDRs: [],
    AllowNondistributableArtifactsHostnames: [],
    InsecureRegistryCIDRs: [...new Set(["127.0.0.0/8", ...networks])],
    IndexConfigs: {
      "docker.io": hub,
      ...Object.fromEntries(hosts.map((name) => [name, { Name: name, Mirrors: [], Secure: false, Official: false }])),
    },
    Mirrors: [...registryMirrors],
  };
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/@]*@/i, "$1xxxxx:xxxxx@");
}

/** "default" is the profile name every CLI takes for the built-in one without a warning. */
function securityOptions(facts: HostFacts, settings: SystemSettings): string[] {
  const privateCgroups =
    facts.cgroupNamespaces && (settings.defaultCgroupnsMode || (facts.cgroup.version === 2 ? "private" : "host")) === "private";
  return [
    ...(facts.apparmor ? ["name=apparmor"] : []),
    ...(facts.seccomp ? ["name=seccomp,profile=default"] : []),
    ...(privateCgroups ? ["name=cgroupns"] : []),
  ];
}

/** What does not work on this machine, in Docker's words; only what a user would miss. And what the daemon was started without. */
function warnings({ cgroup, ipv4Forwarding }: HostFacts, { safeMode }: SystemSettings): string[] | null {
  const legacy = cgroup.version === 1;
  const missing: [boolean, string][] = [
    [cgroup.memoryLimit, "WARNING: No memory limit support"],
    [cgroup.swapLimit, "WARNING: No swap limit support"],
    [cgroup.oomKillDisable || !legacy, "WARNING: No oom kill disable support"],
    [cgroup.cpuCfs, "WARNING: No cpu cfs quota support"],
    [cgroup.cpuCfs, "WARNING: No cpu cfs period support"],
    [cgroup.cpuShares, "WARNING: No cpu shares support"],
    [cgroup.cpuset, "WARNING: No cpuset support"],
    [cgroup.pidsLimit, "WARNING: No pids limit support"],
    [ipv4Forwarding, "WARNING: IPv4 forwarding is disabled"],
    [!safeMode, "WARNING: Safe mode: no plugin is started or called"],
  ];
  const list = missing.filter(([supported]) => !supported).map(([, text]) => text);
  return list.length > 0 ? list : null;
}
