import type * as api from "@pouchcontainer/api";
import type { TaskMetrics } from "@pouchcontainer/containerd";
import { deadlineExceeded, isKind } from "@pouchcontainer/errors";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { rfc3339Nano } from "./clock.ts";
import type { Container } from "./container.ts";
import { zeroTime } from "./container-record.ts";
import type { ContainerRoom } from "./container-room.ts";
import { isProcessOf } from "./leftovers/unanswered-task.ts";

const periodMs = 1000;

const emptyCpu: api.CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};
const emptyBlockIO: api.BlkioStats = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** What cgroup v1 has counters for, without a value: an empty list, where v2, which has no such counters, is null. */
const silentBlockIO: api.BlkioStats = {
  io_service_bytes_recursive: [],
  io_serviced_recursive: [],
  io_queue_recursive: [],
  io_service_time_recursive: [],
  io_wait_time_recursive: [],
  io_merged_recursive: [],
  io_time_recursive: [],
  sectors_recursive: [],
};

/**
 * Samples once a second. Without `stream`, one that has the sample before in it, or with `oneShot` the first at once. What cannot be
 * asked at first is an error; a stream that has begun outlives what goes away and comes back.
 */
export async function* containerStats(
  room: ContainerRoom,
  container: Container,
  options: { stream: boolean; oneShot: boolean },
  signal: AbortSignal,
): AsyncGenerator<api.ContainerStats, void, undefined> {
  let before: api.ContainerStats | undefined;
  await container.startsSettled();
  if (!options.stream && !options.oneShot && container.isRunning) {
    before = await sample(room, container, undefined);
    await delay(periodMs, undefined, { signal }).catch(() => undefined);
  }
  for (;;) {
    if (signal.aborted || container.removed) return;
    const current = await sample(room, container, before).catch((error: unknown) => {
      if (!options.stream || before === undefined) throw error;
      return emptySample(container, before);
    });
    yield current;
    if (!options.stream) return;
    before = current;
    await delay(periodMs, undefined, { signal }).catch(() => undefined);
  }
}

async function sample(
  room: ContainerRoom,
  container: Container,
  before: api.ContainerStats | undefined,
): Promise<api.ContainerStats> {
  const { deps } = room;
  const [metrics] = container.isRunning ? await metricsOf(room, container) : [];
  const empty = emptySample(container, before);
  if (!metrics) return empty;
  const decoded = deps.decodeMetrics(metrics.data);
  const networks = interfacesOf(container.state.pid, container.record.hostConfig.NetworkMode ?? "");
  return {
    ...empty,
    read: rfc3339Nano(deps.clock.now()),
    pids_stats: { current: decoded.pids.current, ...(decoded.pids.limit > 0 ? { limit: decoded.pids.limit } : {}) },
    blkio_stats: {
      ...(deps.facts.cgroup.version === 2 ? emptyBlockIO : silentBlockIO),
      io_service_bytes_recursive: decoded.blockIO.serviceBytes,
      io_serviced_recursive: decoded.blockIO.serviced,
    },
    cpu_stats: cpuStats(decoded, deps.facts.cpus),
    memory_stats: memoryStats(decoded, deps.facts.memoryBytes),
    ...(networks ? { networks } : {}),
  };
}

/** None of one that has ended meanwhile. Of a shim that does not answer containerd says the same: its container's process is there yet. */
async function metricsOf(
  { deps }: ContainerRoom,
  container: Container,
): ReturnType<ContainerRoom["deps"]["containerd"]["tasks"]["metrics"]> {
  const { tasks } = deps.containerd;
  const isThere = (): boolean => container.isRunning && isProcessOf(container.id, container.state.pid);
  try {
    const metrics = await tasks.metrics([container.id]);
    if (metrics.length > 0 || !isThere()) return metrics;
  } catch (error) {
    if (!container.isRunning || (isKind(error, "notFound") && !isThere())) return [];
    throw error;
  }
  throw deadlineExceeded(`the shim of container ${container.id} does not answer`);
}

function emptySample(container: Container, before: api.ContainerStats | undefined): api.ContainerStats {
  return {
    id: container.id,
    name: `/${container.record.name}`,
    read: zeroTime,
    preread: before?.read ?? zeroTime,
    precpu_stats: before?.cpu_stats ?? emptyCpu,
    pids_stats: {},
    blkio_stats: emptyBlockIO,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: emptyCpu,
    memory_stats: {},
  };
}

function cpuStats({ cpu }: TaskMetrics, cpus: number): api.CpuStats {
  return {
    cpu_usage: {
      total_usage: cpu.usageNs,
      ...(cpu.perCpuNs.length > 0 ? { percpu_usage: cpu.perCpuNs } : {}),
      usage_in_kernelmode: cpu.systemNs,
      usage_in_usermode: cpu.userNs,
    },
    system_cpu_usage: hostCpuNs(),
    online_cpus: cpus,
    throttling_data: { periods: cpu.periods, throttled_periods: cpu.throttledPeriods, throttled_time: cpu.throttledNs },
  };
}

function memoryStats({ memory }: TaskMetrics, hostBytes: number): api.MemoryStats {
  return {
    usage: memory.usageBytes,
    ...(memory.maxUsageBytes > 0 ? { max_usage: memory.maxUsageBytes } : {}),
    stats: memory.stats,
    ...(memory.failures > 0 ? { failcnt: memory.failures } : {}),
    // A container without a limit may use all there is.
    limit: memory.limitBytes > 0 ? Math.min(memory.limitBytes, hostBytes) : hostBytes,
  };
}

/** CPU time of the whole host from `/proc/stat`: user to softirq, as dockerd counts, in ticks of a hundredth of a second. */
export function hostCpuNs(stat = readFileSync("/proc/stat", "utf8")): number {
  const [line = ""] = stat.split("\n", 1);
  const ticks = line.trim().split(/\s+/).slice(1, 8).map(Number);
  return ticks.reduce((sum, count) => sum + count, 0) * 1e7;
}

/** Traffic of the container's interfaces, from its own view of `/proc/net/dev`. */
function interfacesOf(pid: number, networkMode: string): Record<string, api.NetworkStats> | undefined {
  if (pid === 0 || networkMode === "host") return undefined;
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, "utf8");
  } catch {
    // It exited between the metrics and now.
    return undefined;
  }
  const entries = text
    .split("\n")
    .slice(2)
    .flatMap((line): [string, api.NetworkStats][] => {
      const [name = "", counters = ""] = line.split(":");
      if (counters === "" || name.trim() === "lo") return [];
      const values = counters.trim().split(/\s+/).map(Number);
      const at = (index: number): number => values[index] ?? 0;
      return [
        [
          name.trim(),
          {
            rx_bytes: at(0),
            rx_packets: at(1),
            rx_errors: at(2),
            rx_dropped: at(3),
            tx_bytes: at(8),
            tx_packets: at(9),
            tx_errors: at(10),
            tx_dropped: at(11),
          },
        ],
      ];
    });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
