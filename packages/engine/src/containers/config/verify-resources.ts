import type { HostConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { type HostFacts, parseList } from "../spec/host-facts.ts";

/** Docker's least limit of memory, in bytes; others leave it to the kernel what is too little. */
export const leastMemoryBytes = 6 * 1024 * 1024;
const noSupport = (what: string, discarded: string): string =>
  `Your kernel does not support ${what} or the cgroup is not mounted. ${discarded} discarded.`;

/**
 * Checks limits against each other and this host, as dockerd does: contradictions are refused, what the kernel cannot do is
 * taken out of `hostConfig` (which is changed) and named in the warnings.
 */
export function verifyResources(
  hostConfig: HostConfig,
  facts: HostFacts,
  update: boolean,
  leastMemory = leastMemoryBytes,
): string[] {
  const warnings: string[] = [];
  verifyMemory(hostConfig, facts, { update, leastMemory }, warnings);
  verifyPids(hostConfig, facts, warnings);
  verifyCpu(hostConfig, facts, warnings);
  verifyCpuset(hostConfig, facts, warnings);
  verifyBlockIo(hostConfig, facts, warnings);
  verifyPouchKnobs(hostConfig, warnings);
  return warnings;
}

function verifyMemory(
  hostConfig: HostConfig,
  { cgroup }: HostFacts,
  { update, leastMemory }: { update: boolean; leastMemory: number },
  warnings: string[],
): void {
  const { Memory = 0, MemoryReservation = 0, KernelMemory = 0 } = hostConfig;
  if (Memory !== 0 && Memory < leastMemory) throw invalidArgument("Minimum memory limit allowed is 6MB");
  if (Memory > 0 && !cgroup.memoryLimit) {
    warnings.push(noSupport("memory limit capabilities", "Limitation"));
    hostConfig.Memory = 0;
    hostConfig.MemorySwap = -1;
  }
  const limit = hostConfig.Memory ?? 0;
  if (limit > 0 && hostConfig.MemorySwap !== -1 && !cgroup.swapLimit) {
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
    hostConfig.MemorySwap = -1;
  }
  const swap = hostConfig.MemorySwap ?? 0;
  if (limit > 0 && swap > 0 && swap < limit)
    throw invalidArgument("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (limit === 0 && swap > 0 && !update)
    throw invalidArgument("You should always set the Memory limit when using Memoryswap limit, see usage");
  verifySwappiness(hostConfig, cgroup.memorySwappiness, warnings);

  if (MemoryReservation > 0 && !cgroup.memoryReservation) {
    warnings.push(noSupport("memory soft limit capabilities", "Limitation"));
    hostConfig.MemoryReservation = 0;
  }
  const reservation = hostConfig.MemoryReservation ?? 0;
  if (reservation > 0 && reservation < leastMemory) throw invalidArgument("Minimum memory reservation allowed is 6MB");
  if (limit > 0 && reservation > 0 && limit < reservation)
    throw invalidArgument("Minimum memory limit can not be less than memory reservation limit, see usage");

  if (KernelMemory > 0 && !cgroup.kernelMemory) {
    warnings.push(noSupport("kernel memory limit capabilities", "Limitation"));
    hostConfig.KernelMemory = 0;
  } else if (KernelMemory > 0) {
    if (KernelMemory < leastMemory) throw invalidArgument("Minimum kernel memory limit allowed is 6MB");
    warnings.push("Specifying a kernel memory limit is deprecated and will be removed in a future release.");
  }
  verifyOomKill(hostConfig, cgroup.oomKillDisable, warnings);
}

function verifySwappiness(hostConfig: HostConfig, supported: boolean, warnings: string[]): void {
  const swappiness = hostConfig.MemorySwappiness;
  if (swappiness === undefined) return;
  // -1 is the client's way to say "not set".
  if (swappiness === -1) {
    delete hostConfig.MemorySwappiness;
  } else if (!supported) {
    warnings.push(noSupport("memory swappiness capabilities", "Memory swappiness"));
    delete hostConfig.MemorySwappiness;
  } else if (swappiness < 0 || swappiness > 100) {
    throw invalidArgument(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
}

function verifyOomKill(hostConfig: HostConfig, supported: boolean, warnings: string[]): void {
  if (hostConfig.OomKillDisable === undefined) return;
  if (!supported) {
    if (hostConfig.OomKillDisable) warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    delete hostConfig.OomKillDisable;
  } else if (hostConfig.OomKillDisable && !hostConfig.Memory) {
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
}

function verifyPids(hostConfig: HostConfig, { cgroup }: HostFacts, warnings: string[]): void {
  if (hostConfig.PidsLimit === undefined || cgroup.pidsLimit) return;
  if (hostConfig.PidsLimit > 0) warnings.push(noSupport("PIDs limit capabilities", "PIDs limit"));
  delete hostConfig.PidsLimit;
}

function verifyCpu(hostConfig: HostConfig, { cgroup, cpus }: HostFacts, warnings: string[]): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0, CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = hostConfig;
  if (NanoCpus > 0 && CpuPeriod > 0) throw invalidArgument("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (NanoCpus > 0 && CpuQuota > 0) throw invalidArgument("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (NanoCpus > 0 && !cgroup.cpuCfs)
    throw invalidArgument(
      "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
    );
  if (NanoCpus < 0 || NanoCpus > cpus * 1e9)
    throw invalidArgument(`Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);

  if (CpuShares < 0) throw invalidArgument(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  if (CpuShares > 0 && !cgroup.cpuShares) {
    warnings.push(noSupport("CPU shares", "Shares"));
    hostConfig.CpuShares = 0;
  }
  if ((CpuPeriod !== 0 || CpuQuota !== 0) && !cgroup.cpuCfs) {
    warnings.push(noSupport("CPU CFS scheduler", "CPU period/quota"));
    hostConfig.CpuPeriod = 0;
    hostConfig.CpuQuota = 0;
  } else {
    if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000))
      throw invalidArgument("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    if (CpuQuota > 0 && CpuQuota < 1000) throw invalidArgument("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  }
  if (CpuRealtimePeriod !== 0 && !cgroup.cpuRealtime)
    throw invalidArgument("Your kernel does not support cgroup cpu real-time period");
  if (CpuRealtimeRuntime !== 0 && !cgroup.cpuRealtime)
    throw invalidArgument("Your kernel does not support cgroup cpu real-time runtime");
  if (CpuRealtimePeriod !== 0 && CpuRealtimeRuntime > CpuRealtimePeriod)
    throw invalidArgument("cpu real-time runtime cannot be higher than cpu real-time period");
  if (hostConfig.CpuPercent) {
    warnings.push("linux does not support CPU percent. Percent discarded.");
    hostConfig.CpuPercent = 0;
  }
}

function verifyCpuset(hostConfig: HostConfig, { cgroup }: HostFacts, warnings: string[]): void {
  const { CpusetCpus = "", CpusetMems = "" } = hostConfig;
  if (CpusetCpus === "" && CpusetMems === "") return;
  if (!cgroup.cpuset) {
    warnings.push(noSupport("cpuset", "Cpuset"));
    hostConfig.CpusetCpus = "";
    hostConfig.CpusetMems = "";
    return;
  }
  verifyList(CpusetCpus, cgroup.cpusetCpus, "cpuset cpus", "CPUs");
  verifyList(CpusetMems, cgroup.cpusetMems, "cpuset mems", "memory nodes");
}

function verifyList(requested: string, available: string, knob: string, what: string): void {
  if (requested === "") return;
  const wanted = parseList(requested);
  if (wanted === undefined) throw invalidArgument(`Invalid value ${requested} for ${knob}: invalid format: ${requested}`);
  const there = parseList(available);
  if (there !== undefined && [...wanted].some((number) => !there.has(number)))
    throw invalidArgument(`Requested ${what} are not available - requested ${requested}, available: ${available}`);
}

function verifyBlockIo(hostConfig: HostConfig, { cgroup }: HostFacts, warnings: string[]): void {
  if (hostConfig.BlkioWeight && !cgroup.blkioWeight) {
    warnings.push(noSupport("Block I/O weight", "Weight"));
    hostConfig.BlkioWeight = 0;
  }
  if (hostConfig.BlkioWeight && (hostConfig.BlkioWeight < 10 || hostConfig.BlkioWeight > 1000))
    throw invalidArgument("Range of blkio weight is from 10 to 1000");
  if (hostConfig.IOMaximumBandwidth)
    throw invalidArgument("Invalid QoS settings: linux does not support configuration of maximum bandwidth");
  if (hostConfig.IOMaximumIOps)
    throw invalidArgument("Invalid QoS settings: linux does not support configuration of maximum IOPs");
  if (hostConfig.BlkioWeightDevice?.length && !cgroup.blkioWeightDevice) {
    warnings.push(noSupport("Block I/O weight_device", "Weight-device"));
    hostConfig.BlkioWeightDevice = [];
  }
  const throttles = [
    ["BlkioDeviceReadBps", "BPS Block I/O read limit", "Block I/O BPS read limit"],
    ["BlkioDeviceWriteBps", "BPS Block I/O write limit", "Block I/O BPS write limit"],
    ["BlkioDeviceReadIOps", "IOPS Block read limit", "Block I/O IOPS read limit"],
    ["BlkioDeviceWriteIOps", "IOPS Block write limit", "Block I/O IOPS write limit"],
  ] as const;
  for (const [field, what, discarded] of throttles)
    if (hostConfig[field]?.length && !cgroup.blkioThrottle) {
      warnings.push(noSupport(what, discarded));
      hostConfig[field] = [];
    }
}

/** Limits only PouchContainer's own kernel had. */
function verifyPouchKnobs(hostConfig: HostConfig, warnings: string[]): void {
  for (const field of ["ScheLatSwitch", "MemoryWmarkRatio", "MemoryExtra", "MemoryForceEmptyCtl"] as const)
    if (hostConfig[field]) {
      warnings.push(`Your kernel does not support ${field}. ${field} discarded.`);
      hostConfig[field] = 0;
    }
}
