import { Type, type Static } from "typebox";
import { flag, integer, list, map, optional, text, unsigned } from "./wire-types.ts";

/** A weight (10–1000) of one block device. */
export const WeightDevice = Type.Object({ Path: optional(text()), Weight: optional(unsigned()) });
export type WeightDevice = Static<typeof WeightDevice>;

/** A rate limit of one block device, in bytes or operations per second. */
export const ThrottleDevice = Type.Object({ Path: optional(text()), Rate: optional(unsigned()) });
export type ThrottleDevice = Static<typeof ThrottleDevice>;

/** A device of the host shown in the container; `CgroupPermissions` is a choice of `r`, `w`, `m`. */
export const DeviceMapping = Type.Object({
  PathOnHost: optional(text()),
  PathInContainer: optional(text()),
  CgroupPermissions: optional(text()),
});
export type DeviceMapping = Static<typeof DeviceMapping>;

/** Devices asked of a device driver (GPUs, CDI). `Count` -1 is all. */
export const DeviceRequest = Type.Object({
  Driver: optional(text()),
  Count: optional(integer()),
  DeviceIDs: optional(list(text())),
  Capabilities: optional(list(list(text()), "Alternatives (outer list), each a list of capabilities that must all be there")),
  Options: optional(map(text())),
});
export type DeviceRequest = Static<typeof DeviceRequest>;

/** One resource limit, `setrlimit(2)`; -1 is unlimited. */
export const Ulimit = Type.Object({ Name: optional(text()), Soft: optional(integer()), Hard: optional(integer()) });
export type Ulimit = Static<typeof Ulimit>;

/** What PouchContainer takes for NVIDIA devices, handed to the container as the environment of NVIDIA's hook. */
export const NvidiaConfig = Type.Object({
  NvidiaVisibleDevices: optional(text()),
  NvidiaDriverCapabilities: optional(text()),
});
export type NvidiaConfig = Static<typeof NvidiaConfig>;

/** Limits and devices: the part of `HostConfig` that an update may change too. Zero means "not set". */
export const Resources = Type.Object({
  CpuShares: optional(integer("Relative CPU weight")),
  Memory: optional(integer("Memory limit in bytes")),
  NanoCpus: optional(integer("CPU quota in 1e-9 CPUs")),
  CgroupParent: optional(text("Cgroup under which the container's own is made")),
  BlkioWeight: optional(unsigned("Relative block I/O weight, 10 to 1000")),
  BlkioWeightDevice: optional(list(WeightDevice)),
  BlkioDeviceReadBps: optional(list(ThrottleDevice)),
  BlkioDeviceWriteBps: optional(list(ThrottleDevice)),
  BlkioDeviceReadIOps: optional(list(ThrottleDevice)),
  BlkioDeviceWriteIOps: optional(list(ThrottleDevice)),
  CpuPeriod: optional(integer("Length of a CPU period in microseconds")),
  CpuQuota: optional(integer("CPU time per period in microseconds")),
  CpuRealtimePeriod: optional(integer("Microseconds")),
  CpuRealtimeRuntime: optional(integer("Microseconds")),
  CpusetCpus: optional(text("CPUs the container may run on, for example 0-3 or 0,1")),
  CpusetMems: optional(text("Memory nodes, for example 0-3 or 0,1")),
  Devices: optional(list(DeviceMapping)),
  DeviceCgroupRules: optional(list(text(), "Rules like `c 13:* rwm`")),
  DeviceRequests: optional(list(DeviceRequest)),
  KernelMemory: optional(integer("Bytes; not supported by current kernels")),
  KernelMemoryTCP: optional(integer("Bytes")),
  MemoryReservation: optional(integer("Soft memory limit in bytes")),
  MemorySwap: optional(integer("Memory and swap together in bytes; -1 is unlimited swap")),
  MemorySwappiness: optional(integer("0 to 100; -1 is the host's")),
  OomKillDisable: optional(flag("Never let the kernel kill processes of this container when memory runs out")),
  PidsLimit: optional(integer("Number of processes; 0 and -1 are unlimited")),
  Ulimits: optional(list(Ulimit)),
  CpuCount: optional(integer("Windows only")),
  CpuPercent: optional(integer("Windows only")),
  IOMaximumIOps: optional(unsigned("Windows only")),
  IOMaximumBandwidth: optional(unsigned("Windows only")),
  IntelRdtL3Cbm: optional(text("PouchContainer: cache bit mask of the Intel RDT group, for example L3:0=ff")),
  ScheLatSwitch: optional(integer("PouchContainer: 1 counts scheduling latency in cpuacct (needs a kernel that has it)")),
  MemoryWmarkRatio: optional(integer("PouchContainer: low water mark as a percentage of the limit (needs a kernel that has it)")),
  MemoryExtra: optional(integer("PouchContainer: extra memory in bytes (needs a kernel that has it)")),
  MemoryForceEmptyCtl: optional(
    integer("PouchContainer: 1 reclaims the page cache when the cgroup goes (needs a kernel that has it)"),
  ),
  NvidiaConfig: optional(NvidiaConfig),
});
export type Resources = Static<typeof Resources>;
