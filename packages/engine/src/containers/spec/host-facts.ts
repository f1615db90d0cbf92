import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { allCapabilities, capabilitiesOfMask } from "./capabilities.ts";
import { listDirectory } from "./rootfs-reader.ts";
import { parseKernel } from "./seccomp.ts";

/** `RLIMIT_*` name to the daemon's own hard limit; absent is unlimited. */
export type HardLimits = Readonly<Record<string, number>>;

/** What decides about a container's spec on this machine; read once at start and handed to pure functions. */
export interface HostFacts {
  cgroup: CgroupFacts;
  kernel: { release: string; version: readonly [number, number] };
  /** Capabilities the daemon itself may pass on. */
  boundingCapabilities: readonly string[];
  /** Whether the daemon may raise limits above its own and lower `oom_score_adj` (CAP_SYS_RESOURCE). */
  mayRaiseLimits: boolean;
  hardLimits: HardLimits;
  cpus: number;
  memoryBytes: number;
  swapBytes: number;
  /** The daemon's own `oom_score_adj`. */
  oomScoreAdj: number;
  apparmor: boolean;
  /** Names of the profiles loaded by now. */
  apparmorProfiles: readonly string[];
  selinux: boolean;
  seccomp: boolean;
  cgroupNamespaces: boolean;
  ipv4Forwarding: boolean;
  bridgeNfIptables: boolean;
  bridgeNfIp6tables: boolean;
  /** Node's name of the machine type. */
  architecture: string;
}

export interface CgroupFacts {
  version: 1 | 2;
  /** Controllers in use on this machine, v1 names on both (`memory`, `cpu`, `cpuset`, `pids`, `blkio`, `hugetlb`, `devices`, `freezer`). */
  controllers: readonly string[];
  /** Knobs that exist. Each is Docker's `sysinfo` flag of the same meaning. */
  memoryLimit: boolean;
  swapLimit: boolean;
  memoryReservation: boolean;
  memorySwappiness: boolean;
  oomKillDisable: boolean;
  kernelMemory: boolean;
  kernelMemoryTcp: boolean;
  cpuShares: boolean;
  cpuCfs: boolean;
  cpuRealtime: boolean;
  cpuset: boolean;
  /** `0-3` texts of what there is. */
  cpusetCpus: string;
  cpusetMems: string;
  pidsLimit: boolean;
  blkioWeight: boolean;
  blkioWeightDevice: boolean;
  blkioThrottle: boolean;
}

/** Limits of `/proc/self/limits` by the word they begin with. */
const limitNames: Record<string, string> = {
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max data size": "RLIMIT_DATA",
  "Max stack size": "RLIMIT_STACK",
  "Max core file size": "RLIMIT_CORE",
  "Max resident set": "RLIMIT_RSS",
  "Max processes": "RLIMIT_NPROC",
  "Max open files": "RLIMIT_NOFILE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max address space": "RLIMIT_AS",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max realtime timeout": "RLIMIT_RTTIME",
};

/** Reads the facts from below `root` (`/` on a real machine, a recorded tree in a test). */
export function hostFacts(options: { root?: string; architecture?: string } = {}): HostFacts {
  const root = options.root ?? "/";
  const read = (path: string): string => {
    try {
      return readFileSync(join(root, path), "utf8");
    } catch {
      // A file this kernel does not have is itself the fact.
      return "";
    }
  };
  const exists = (path: string): boolean => statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

  const status = read("proc/self/status");
  const release = read("proc/sys/kernel/osrelease").trim();
  const mask = /^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1];
  const boundingCapabilities = mask === undefined ? [...allCapabilities] : capabilitiesOfMask(mask);
  const meminfo = read("proc/meminfo");
  return {
    cgroup: cgroupFacts({ root, read, exists }),
    kernel: { release, version: parseKernel(release) },
    boundingCapabilities,
    mayRaiseLimits: boundingCapabilities.includes("CAP_SYS_RESOURCE"),
    hardLimits: parseLimits(read("proc/self/limits")),
    cpus: countList(/^Cpus_allowed_list:\s*(.+)$/m.exec(status)?.[1] ?? "0"),
    memoryBytes: kibibytes(meminfo, "MemTotal"),
    swapBytes: kibibytes(meminfo, "SwapTotal"),
    oomScoreAdj: Number(read("proc/self/oom_score_adj").trim() || 0),
    apparmor: read("sys/module/apparmor/parameters/enabled").startsWith("Y"),
    get apparmorProfiles() {
      return [...read("sys/kernel/security/apparmor/profiles").matchAll(/^(.+) \(\w+\)$/gm)].map((match) => match[1] ?? "");
    },
    selinux: exists("sys/fs/selinux/enforce"),
    seccomp: /^Seccomp:/m.test(status),
    cgroupNamespaces: exists("proc/self/ns/cgroup"),
    // Asked each time, as the profiles: the first bridge turns forwarding on, and a module brings the others.
    get ipv4Forwarding() {
      return read("proc/sys/net/ipv4/ip_forward").trim() !== "0";
    },
    get bridgeNfIptables() {
      return read("proc/sys/net/bridge/bridge-nf-call-iptables").trim() === "1";
    },
    get bridgeNfIp6tables() {
      return read("proc/sys/net/bridge/bridge-nf-call-ip6tables").trim() === "1";
    },
    architecture: options.architecture ?? process.arch,
  };
}

interface Files {
  root: string;
  read: (path: string) => string;
  exists: (path: string) => boolean;
}

function cgroupFacts(files: Files): CgroupFacts {
  return files.exists("sys/fs/cgroup/cgroup.controllers") ? unifiedFacts(files) : legacyFacts(files);
}

/** cgroup v2: a controller has all its knobs; swap is the one the kernel can switch off. */
function unifiedFacts({ root, read }: Files): CgroupFacts {
  const controllers = read("sys/fs/cgroup/cgroup.controllers").trim().split(/\s+/);
  const has = (name: string): boolean => controllers.includes(name);
  // The root group has no memory.swap.max; any other one answers for all.
  const swap = listDirectory(join(root, "sys/fs/cgroup")).some((name) => read(`sys/fs/cgroup/${name}/memory.swap.max`) !== "");
  return {
    version: 2,
    controllers: [...controllers.map((name) => (name === "io" ? "blkio" : name)), "devices", "freezer"],
    memoryLimit: has("memory"),
    swapLimit: has("memory") && swap,
    memoryReservation: has("memory"),
    memorySwappiness: false,
    oomKillDisable: false,
    kernelMemory: false,
    kernelMemoryTcp: false,
    cpuShares: has("cpu"),
    cpuCfs: has("cpu"),
    cpuRealtime: false,
    cpuset: has("cpuset"),
    cpusetCpus: read("sys/fs/cgroup/cpuset.cpus.effective").trim(),
    cpusetMems: read("sys/fs/cgroup/cpuset.mems.effective").trim(),
    pidsLimit: has("pids"),
    blkioWeight: has("io"),
    blkioWeightDevice: has("io"),
    blkioThrottle: has("io"),
  };
}

/** cgroup v1, alone or hybrid: each knob is a file in its controller's hierarchy. */
function legacyFacts({ root, read, exists }: Files): CgroupFacts {
  const mounted = listDirectory(join(root, "sys/fs/cgroup"));
  const controllers = mounted.flatMap((name) => name.split(",")).filter((name) => name !== "systemd" && name !== "unified");
  const hierarchy = (controller: string): string => mounted.find((name) => name.split(",").includes(controller)) ?? controller;
  const knob = (controller: string, file: string): boolean => exists(`sys/fs/cgroup/${hierarchy(controller)}/${file}`);
  return {
    version: 1,
    controllers: [...new Set(controllers)],
    memoryLimit: knob("memory", "memory.limit_in_bytes"),
    swapLimit: knob("memory", "memory.memsw.limit_in_bytes"),
    memoryReservation: knob("memory", "memory.soft_limit_in_bytes"),
    memorySwappiness: knob("memory", "memory.swappiness"),
    oomKillDisable: knob("memory", "memory.oom_control"),
    kernelMemory: knob("memory", "memory.kmem.limit_in_bytes"),
    kernelMemoryTcp: knob("memory", "memory.kmem.tcp.limit_in_bytes"),
    cpuShares: knob("cpu", "cpu.shares"),
    cpuCfs: knob("cpu", "cpu.cfs_quota_us"),
    cpuRealtime: knob("cpu", "cpu.rt_period_us"),
    cpuset: knob("cpuset", "cpuset.cpus"),
    cpusetCpus: read(`sys/fs/cgroup/${hierarchy("cpuset")}/cpuset.cpus`).trim(),
    cpusetMems: read(`sys/fs/cgroup/${hierarchy("cpuset")}/cpuset.mems`).trim(),
    pidsLimit: controllers.includes("pids"),
    blkioWeight: knob("blkio", "blkio.weight") || knob("blkio", "blkio.bfq.weight"),
    blkioWeightDevice: knob("blkio", "blkio.weight_device") || knob("blkio", "blkio.bfq.weight_device"),
    blkioThrottle: knob("blkio", "blkio.throttle.read_bps_device"),
  };
}

function parseLimits(text: string): HardLimits {
  const limits: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const match = /^(Max [a-z ]+?)\s{2,}\S+\s+(\d+|unlimited)/.exec(line);
    const name = match?.[1] === undefined ? undefined : limitNames[match[1]];
    if (name !== undefined && match?.[2] !== "unlimited") limits[name] = Number(match?.[2]);
  }
  return limits;
}

function kibibytes(meminfo: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+) kB`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
}

/** The numbers in a kernel list such as `0-3,8`. */
export function parseList(text: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    if (last < first || last > 8191) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}

function countList(text: string): number {
  return parseList(text)?.size ?? 1;
}
