import { fromBinary } from "@bufbuild/protobuf";
import { notImplemented } from "@pouchcontainer/errors";
import { messageNameOf } from "./any.ts";
import type { BlkIOEntry, Metrics as MetricsV1 } from "./gen/cgroups_v1_pb.ts";
import { MetricsSchema as MetricsV1Schema } from "./gen/cgroups_v1_pb.ts";
import type { Metrics as MetricsV2 } from "./gen/cgroups_v2_pb.ts";
import { MetricsSchema as MetricsV2Schema } from "./gen/cgroups_v2_pb.ts";
import type { AnyValue, BlockIOEntry, TaskMetrics } from "./types.ts";

const nsPerUs = 1000;

/** A container's resource use in one shape, whichever cgroup version its numbers come from. */
export function decodeMetrics(data: AnyValue): TaskMetrics {
  switch (messageNameOf(data)) {
    case MetricsV1Schema.typeName:
      return fromV1(fromBinary(MetricsV1Schema, data.value));
    case MetricsV2Schema.typeName:
      return fromV2(fromBinary(MetricsV2Schema, data.value));
    default:
      throw notImplemented(`metrics of type ${data.typeUrl} are not known`);
  }
}

function fromV1({ cpu, memory, pids, blkio, hugetlb, memoryOomControl }: MetricsV1): TaskMetrics {
  return {
    cgroupVersion: 1,
    cpu: {
      usageNs: Number(cpu?.usage?.total ?? 0),
      userNs: Number(cpu?.usage?.user ?? 0),
      systemNs: Number(cpu?.usage?.kernel ?? 0),
      perCpuNs: (cpu?.usage?.perCpu ?? []).map(Number),
      periods: Number(cpu?.throttling?.periods ?? 0),
      throttledPeriods: Number(cpu?.throttling?.throttledPeriods ?? 0),
      throttledNs: Number(cpu?.throttling?.throttledTime ?? 0),
    },
    memory: {
      usageBytes: Number(memory?.usage?.usage ?? 0),
      maxUsageBytes: Number(memory?.usage?.max ?? 0),
      limitBytes: Number(memory?.usage?.limit ?? 0),
      // v1 counts memory and swap together.
      swapBytes: Math.max(0, Number(memory?.swap?.usage ?? 0) - Number(memory?.usage?.usage ?? 0)),
      inactiveFileBytes: Number(memory?.totalInactiveFile ?? 0),
      failures: Number(memory?.usage?.failcnt ?? 0),
      oomKills: Number(memoryOomControl?.oomKill ?? 0),
      stats: kernelNames(memory),
    },
    pids: { current: Number(pids?.current ?? 0), limit: Number(pids?.limit ?? 0) },
    blockIO: {
      serviceBytes: (blkio?.ioServiceBytesRecursive ?? []).map(blockEntry),
      serviced: (blkio?.ioServicedRecursive ?? []).map(blockEntry),
    },
    hugetlb: hugetlb.map(({ pagesize, usage, max, failcnt }) => ({
      pageSize: pagesize,
      usageBytes: Number(usage),
      maxBytes: Number(max),
      failures: Number(failcnt),
    })),
  };
}

function fromV2({ cpu, memory, pids, io, hugetlb, memoryEvents }: MetricsV2): TaskMetrics {
  const usage = io?.usage ?? [];
  const perOp = (pick: (entry: (typeof usage)[number]) => [read: bigint, write: bigint]): BlockIOEntry[] =>
    usage.flatMap((entry) => {
      const device = { major: Number(entry.major), minor: Number(entry.minor) };
      const [read, write] = pick(entry);
      return [
        { ...device, op: "read", value: Number(read) },
        { ...device, op: "write", value: Number(write) },
      ];
    });
  return {
    cgroupVersion: 2,
    cpu: {
      usageNs: Number(cpu?.usageUsec ?? 0) * nsPerUs,
      userNs: Number(cpu?.userUsec ?? 0) * nsPerUs,
      systemNs: Number(cpu?.systemUsec ?? 0) * nsPerUs,
      perCpuNs: [],
      periods: Number(cpu?.nrPeriods ?? 0),
      throttledPeriods: Number(cpu?.nrThrottled ?? 0),
      throttledNs: Number(cpu?.throttledUsec ?? 0) * nsPerUs,
    },
    memory: {
      usageBytes: Number(memory?.usage ?? 0),
      maxUsageBytes: Number(memory?.maxUsage ?? 0),
      limitBytes: Number(memory?.usageLimit ?? 0),
      swapBytes: Number(memory?.swapUsage ?? 0),
      inactiveFileBytes: Number(memory?.inactiveFile ?? 0),
      failures: Number(memoryEvents?.max ?? 0),
      oomKills: Number(memoryEvents?.oomKill ?? 0),
      stats: kernelNames(memory),
    },
    pids: { current: Number(pids?.current ?? 0), limit: Number(pids?.limit ?? 0) },
    blockIO: { serviceBytes: perOp(({ rbytes, wbytes }) => [rbytes, wbytes]), serviced: perOp(({ rios, wios }) => [rios, wios]) },
    hugetlb: hugetlb.map(({ pagesize, current, max, failcnt }) => ({
      pageSize: pagesize,
      usageBytes: Number(current),
      maxBytes: Number(max),
      failures: Number(failcnt),
    })),
  };
}

function blockEntry({ major, minor, op, value }: BlkIOEntry): BlockIOEntry {
  return { major: Number(major), minor: Number(minor), op: op.toLowerCase(), value: Number(value) };
}

/** Where the kernel's spelling in `memory.stat` is not the field's name with underscores. */
const respelled: Record<string, string> = {
  pgPgIn: "pgpgin",
  pgPgOut: "pgpgout",
  pgFault: "pgfault",
  pgMajFault: "pgmajfault",
  totalPgPgIn: "total_pgpgin",
  totalPgPgOut: "total_pgpgout",
  totalPgFault: "total_pgfault",
  totalPgMajFault: "total_pgmajfault",
  hierarchicalSwapLimit: "hierarchical_memsw_limit",
};

/** Not lines of `memory.stat`: files of their own, which have their place in the neutral shape. */
const notStats = new Set(["usage", "usageLimit", "swapUsage", "swapLimit", "maxUsage", "swapMaxUsage"]);

function kernelNames(memory: MetricsV1["memory"] | MetricsV2["memory"]): Record<string, number> {
  const stats: Record<string, number> = {};
  for (const [field, value] of Object.entries(memory ?? {})) {
    if (typeof value !== "bigint" || notStats.has(field)) continue;
    stats[respelled[field] ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = Number(value);
  }
  return stats;
}
