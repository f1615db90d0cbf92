import { Type, type Static } from "typebox";
import { decimal, integer, list, map, nullable, optional, text, unsigned } from "./wire-types.ts";

/** CPU time in nanoseconds. */
export const CpuUsage = Type.Object({
  total_usage: unsigned(),
  percpu_usage: optional(list(unsigned())),
  usage_in_kernelmode: unsigned(),
  usage_in_usermode: unsigned(),
});
export type CpuUsage = Static<typeof CpuUsage>;

/** CPU figures at one moment. */
export const CpuStats = Type.Object({
  cpu_usage: CpuUsage,
  system_cpu_usage: optional(unsigned("CPU time of the whole host in nanoseconds")),
  online_cpus: optional(unsigned()),
  throttling_data: Type.Object({ periods: unsigned(), throttled_periods: unsigned(), throttled_time: unsigned() }),
});
export type CpuStats = Static<typeof CpuStats>;

/** Memory figures in bytes; `stats` holds the cgroup's own names. */
export const MemoryStats = Type.Object({
  usage: optional(unsigned()),
  max_usage: optional(unsigned()),
  stats: optional(map(decimal())),
  failcnt: optional(unsigned()),
  limit: optional(unsigned()),
});
export type MemoryStats = Static<typeof MemoryStats>;

/** One number of the block I/O figures. */
export const BlkioStatEntry = Type.Object({ major: unsigned(), minor: unsigned(), op: text(), value: unsigned() });
export type BlkioStatEntry = Static<typeof BlkioStatEntry>;

const blkioEntries = nullable(list(BlkioStatEntry));

/** Block I/O figures. */
export const BlkioStats = Type.Object({
  io_service_bytes_recursive: blkioEntries,
  io_serviced_recursive: blkioEntries,
  io_queue_recursive: blkioEntries,
  io_service_time_recursive: blkioEntries,
  io_wait_time_recursive: blkioEntries,
  io_merged_recursive: blkioEntries,
  io_time_recursive: blkioEntries,
  sectors_recursive: blkioEntries,
});
export type BlkioStats = Static<typeof BlkioStats>;

/** Traffic of one interface. */
export const NetworkStats = Type.Object({
  rx_bytes: unsigned(),
  rx_packets: unsigned(),
  rx_errors: unsigned(),
  rx_dropped: unsigned(),
  tx_bytes: unsigned(),
  tx_packets: unsigned(),
  tx_errors: unsigned(),
  tx_dropped: unsigned(),
});
export type NetworkStats = Static<typeof NetworkStats>;

/** One sample of a container's resource use; `precpu_stats` is the sample before, for percentages. */
export const ContainerStats = Type.Object({
  id: optional(text()),
  name: optional(text()),
  read: text("RFC 3339 with nanoseconds"),
  preread: text(),
  pids_stats: Type.Object({ current: optional(unsigned()), limit: optional(unsigned()) }),
  blkio_stats: BlkioStats,
  num_procs: integer(),
  storage_stats: Type.Object({}),
  cpu_stats: CpuStats,
  precpu_stats: CpuStats,
  memory_stats: MemoryStats,
  networks: optional(map(NetworkStats)),
});
export type ContainerStats = Static<typeof ContainerStats>;
