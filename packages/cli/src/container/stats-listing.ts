import type { ContainerStats } from "@pouchcontainer/api";
import type { Listing } from "../output/listing.ts";
import { binarySize, shortDecimalSize, shortId } from "../output/units.ts";

export interface StatsItem {
  /** The name or id that was asked for. */
  asked: string;
  /** Absent until the first sample came. */
  stats?: ContainerStats;
}

export function statsListing(noTrunc: boolean): Listing<StatsItem> {
  return {
    headings: {
      BlockIO: "BLOCK I/O",
      CPUPerc: "CPU %",
      Container: "CONTAINER",
      ID: "CONTAINER ID",
      MemPerc: "MEM %",
      MemUsage: "MEM USAGE / LIMIT",
      Name: "NAME",
      NetIO: "NET I/O",
      PIDs: "PIDS",
    },
    table: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
    quiet: "{{.ID}}",
    row: (item) => statsRow(item, noTrunc),
  };
}

function statsRow({ asked, stats }: StatsItem, noTrunc: boolean): Record<string, unknown> {
  const id = stats?.id ?? "";
  const shown = {
    Container: asked,
    ID: id === "" ? "--" : noTrunc ? id : shortId(id),
    Name: (stats?.name ?? "").replace(/^\//, "") || "--",
  };
  if (stats === undefined || stats.memory_stats.limit === undefined) {
    return { ...shown, CPUPerc: "--", MemUsage: "-- / --", MemPerc: "--", NetIO: "--", BlockIO: "--", PIDs: "--" };
  }
  const used = memoryInUse(stats);
  const { limit } = stats.memory_stats;
  const networks = Object.values(stats.networks ?? {});
  const io = blockIo(stats);
  return {
    ...shown,
    CPUPerc: `${cpuPercent(stats).toFixed(2)}%`,
    MemUsage: `${binarySize(used)} / ${binarySize(limit)}`,
    MemPerc: `${(limit === 0 ? 0 : (used / limit) * 100).toFixed(2)}%`,
    NetIO: `${shortDecimalSize(sum(networks.map((one) => one.rx_bytes)))} / ${shortDecimalSize(sum(networks.map((one) => one.tx_bytes)))}`,
    BlockIO: `${shortDecimalSize(io.read)} / ${shortDecimalSize(io.written)}`,
    PIDs: String(stats.pids_stats.current ?? 0),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);

/** Share of one CPU since the sample before, in percent: 200 is two whole CPUs. */
export function cpuPercent({ cpu_stats: now, precpu_stats: before }: ContainerStats): number {
  const container = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const system = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpus = now.online_cpus || now.cpu_usage.percpu_usage?.length || 0;
  return container > 0 && system > 0 ? (container / system) * cpus * 100 : 0;
}

/** Memory without the page cache that could be dropped at once (cgroup v1: total_inactive_file, v2: inactive_file). */
function memoryInUse({ memory_stats: { usage = 0, stats = {} } }: ContainerStats): number {
  const cache = stats["total_inactive_file"] ?? stats["inactive_file"] ?? 0;
  return cache < usage ? usage - cache : usage;
}

function blockIo({ blkio_stats: { io_service_bytes_recursive: entries } }: ContainerStats): { read: number; written: number } {
  const of = (letter: string): number =>
    sum((entries ?? []).filter((one) => one.op.toLowerCase().startsWith(letter)).map((one) => one.value));
  return { read: of("r"), written: of("w") };
}
