import type { GroupHierarchies } from "../control-groups/control-groups.ts";
import { writeLimits, type GroupLimits } from "../control-groups/write-limits.ts";
import type { PodResources } from "./pod-config.ts";

/** Writes the limits of a pod into its group's folders, each into the one that has its file. */
export async function limitGroups(
  { version }: Pick<GroupHierarchies, "version">,
  resources: PodResources,
  folders: readonly string[],
): Promise<void> {
  await writeLimits(folders, version === 1 ? limitsOfVersion1(resources) : limitsOfVersion2(resources), "the pod");
}

function limitsOfVersion1(resources: PodResources): GroupLimits {
  return given([
    ["cpu.cfs_period_us", resources.cpuPeriodMicroseconds],
    ["cpu.cfs_quota_us", resources.cpuQuotaMicroseconds],
    ["cpu.shares", resources.cpuShares],
    ["memory.limit_in_bytes", resources.memoryLimitBytes],
    ["memory.memsw.limit_in_bytes", resources.memorySwapLimitBytes],
    ["cpuset.cpus", resources.cpusetCpus],
    ["cpuset.mems", resources.cpusetMems],
  ]);
}

function limitsOfVersion2(resources: PodResources): GroupLimits {
  const { cpuQuotaMicroseconds: quota = 0, cpuPeriodMicroseconds: period = 0 } = resources;
  const { memoryLimitBytes: memory = 0, memorySwapLimitBytes: withSwap = 0, cpuShares = 0 } = resources;
  return given([
    ["cpu.max", quota === 0 && period === 0 ? "" : `${quota > 0 ? quota : "max"} ${period || 100_000}`],
    // From 2…262144 to 1…10000, as runc does it (`libcontainer/cgroups`, ConvertCPUSharesToCgroupV2Value).
    ["cpu.weight", cpuShares === 0 ? 0 : 1 + Math.floor(((cpuShares - 2) * 9999) / 262_142)],
    ["memory.max", memory],
    ["memory.swap.max", withSwap > 0 ? String(Math.max(0, withSwap - memory)) : ""],
    ["cpuset.cpus", resources.cpusetCpus],
    ["cpuset.mems", resources.cpusetMems],
    ...Object.entries(resources.unified ?? {}),
  ]);
}

function given(limits: [string, string | number | undefined][]): GroupLimits {
  return limits.flatMap(([file, value]): GroupLimits =>
    value === undefined || value === 0 || value === "" ? [] : [[file, String(value)]],
  );
}
