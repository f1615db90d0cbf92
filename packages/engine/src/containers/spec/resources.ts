import type { HostConfig, ThrottleDevice as ApiThrottle } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { BlockIoResources, CpuResources, LinuxResources, MemoryResources, ThrottleDevice } from "@pouchcontainer/oci";
import type { HostDevices } from "./devices.ts";
import type { CgroupFacts } from "./host-facts.ts";

/** Length of a CPU period when `NanoCpus` is given, in microseconds. */
const nanoCpuPeriod = 100_000;

/**
 * The cgroup limits behind a `HostConfig`, device rules excepted. The values are those of cgroup v1; runc translates weights
 * and swap for v2. Knobs the host lacks are left out, because runc fails on them (normalisation has warned already).
 */
export function resourcesFromHostConfig(hostConfig: HostConfig, cgroup: CgroupFacts, devices: HostDevices): LinuxResources {
  const memory = memoryResources(hostConfig, cgroup);
  const cpu = cpuResources(hostConfig, cgroup);
  const blockIO = blockIoResources(hostConfig, cgroup, devices);
  const pids = hostConfig.PidsLimit;
  return {
    ...(isEmpty(memory) ? {} : { memory }),
    ...(isEmpty(cpu) ? {} : { cpu }),
    ...(isEmpty(blockIO) ? {} : { blockIO }),
    ...(pids && cgroup.pidsLimit ? { pids: { limit: pids } } : {}),
  };
}

/**
 * The same for an update of a running container. A limit that was taken away must be written as "unlimited", since a field
 * left out keeps its value.
 */
export function toUpdateResources(hostConfig: HostConfig, cgroup: CgroupFacts, devices: HostDevices): LinuxResources {
  const resources = resourcesFromHostConfig(hostConfig, cgroup, devices);
  if (hostConfig.PidsLimit !== undefined && hostConfig.PidsLimit <= 0 && cgroup.pidsLimit) resources.pids = { limit: -1 };
  // The v1 kernel refuses a memory limit above memory+swap: unlimited swap has to travel with the limit.
  const memory = resources.memory;
  if (memory?.limit !== undefined && memory.swap === undefined && cgroup.swapLimit) memory.swap = -1;
  return resources;
}

function memoryResources(hostConfig: HostConfig, cgroup: CgroupFacts): MemoryResources {
  if (!cgroup.memoryLimit) return {};
  const {
    Memory = 0,
    MemoryReservation = 0,
    MemorySwap = 0,
    KernelMemory = 0,
    KernelMemoryTCP = 0,
    MemorySwappiness,
  } = hostConfig;
  return {
    ...(Memory > 0 ? { limit: Memory } : {}),
    ...(MemoryReservation > 0 && cgroup.memoryReservation ? { reservation: MemoryReservation } : {}),
    ...(MemorySwap !== 0 && cgroup.swapLimit ? { swap: MemorySwap } : {}),
    ...(KernelMemory > 0 && cgroup.kernelMemory ? { kernel: KernelMemory } : {}),
    ...(KernelMemoryTCP > 0 && cgroup.kernelMemoryTcp ? { kernelTCP: KernelMemoryTCP } : {}),
    ...(MemorySwappiness !== undefined && MemorySwappiness >= 0 && cgroup.memorySwappiness
      ? { swappiness: MemorySwappiness }
      : {}),
    ...(hostConfig.OomKillDisable && cgroup.oomKillDisable ? { disableOOMKiller: true } : {}),
  };
}

function cpuResources(hostConfig: HostConfig, cgroup: CgroupFacts): CpuResources {
  const { CpuShares = 0, NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = hostConfig;
  const { CpusetCpus = "", CpusetMems = "" } = hostConfig;
  const cfs: CpuResources =
    NanoCpus > 0
      ? { period: nanoCpuPeriod, quota: Math.floor((NanoCpus * nanoCpuPeriod) / 1e9) }
      : { ...(CpuPeriod !== 0 ? { period: CpuPeriod } : {}), ...(CpuQuota !== 0 ? { quota: CpuQuota } : {}) };
  return {
    ...(CpuShares > 0 && cgroup.cpuShares ? { shares: CpuShares } : {}),
    ...(cgroup.cpuCfs ? cfs : {}),
    ...(CpuRealtimePeriod !== 0 && cgroup.cpuRealtime ? { realtimePeriod: CpuRealtimePeriod } : {}),
    ...(CpuRealtimeRuntime !== 0 && cgroup.cpuRealtime ? { realtimeRuntime: CpuRealtimeRuntime } : {}),
    ...(CpusetCpus !== "" && cgroup.cpuset ? { cpus: CpusetCpus } : {}),
    ...(CpusetMems !== "" && cgroup.cpuset ? { mems: CpusetMems } : {}),
  };
}

function blockIoResources(hostConfig: HostConfig, cgroup: CgroupFacts, devices: HostDevices): BlockIoResources {
  const weights = (hostConfig.BlkioWeightDevice ?? []).map(({ Path = "", Weight = 0 }) => ({
    ...blockDevice(Path, devices),
    weight: Weight,
  }));
  const throttles = (list: readonly ApiThrottle[] | undefined): ThrottleDevice[] =>
    (list ?? []).map(({ Path = "", Rate = 0 }) => ({ ...blockDevice(Path, devices), rate: Rate }));
  const limits = {
    throttleReadBpsDevice: throttles(hostConfig.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttles(hostConfig.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttles(hostConfig.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttles(hostConfig.BlkioDeviceWriteIOps),
  };
  return {
    ...(hostConfig.BlkioWeight && cgroup.blkioWeight ? { weight: hostConfig.BlkioWeight } : {}),
    ...(weights.length > 0 && cgroup.blkioWeightDevice ? { weightDevice: weights } : {}),
    ...(cgroup.blkioThrottle ? Object.fromEntries(Object.entries(limits).filter(([, list]) => list.length > 0)) : {}),
  };
}

function blockDevice(path: string, devices: HostDevices): { major: number; minor: number } {
  const node = devices.node(path);
  if (node === undefined) throw invalidArgument(`no such device: "${path}" (needed for a block I/O limit)`);
  return { major: node.major, minor: node.minor };
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;
