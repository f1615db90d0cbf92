import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MemoryUsageSchema, SwapUsageSchema } from "../../gen/runtime_v1_pb.ts";
import type { Metrics } from "../containers-deps.ts";

/** What the kernel tells where there is no limit is more than any machine has. */
const unlimitedBytes = 2 ** 60;

/** What the kubelet evicts by: the working set is what is used without the page cache that goes first. */
export function memoryUsage({ memory }: Metrics, timestamp: bigint): MessageInitShape<typeof MemoryUsageSchema> {
  const { usageBytes, inactiveFileBytes, limitBytes, stats } = memory;
  const workingSet = Math.max(0, usageBytes - inactiveFileBytes);
  // cgroup v1 counts a group alone and with those below it, by names with `total_`; v2 counts both together.
  const counted = (v1: string, v2: string): bigint => BigInt(stats[`total_${v1}`] ?? stats[v2] ?? stats[v1] ?? 0);
  return {
    timestamp,
    workingSetBytes: { value: BigInt(workingSet) },
    usageBytes: { value: BigInt(usageBytes) },
    ...(isLimit(limitBytes) && { availableBytes: { value: BigInt(Math.max(0, limitBytes - workingSet)) } }),
    rssBytes: { value: counted("rss", "anon") },
    pageFaults: { value: counted("pgfault", "pgfault") },
    majorPageFaults: { value: counted("pgmajfault", "pgmajfault") },
  };
}

export function swapUsage({ memory }: Metrics, timestamp: bigint): MessageInitShape<typeof SwapUsageSchema> {
  return { timestamp, swapUsageBytes: { value: BigInt(memory.swapBytes) } };
}

const isLimit = (bytes: number): boolean => bytes > 0 && bytes < unlimitedBytes;
