import type { ContainerResources, HugepageLimit } from "@pouchcontainer/engine";
import { invalidArgument } from "@pouchcontainer/errors";
import type { LinuxContainerResources } from "../../gen/runtime_v1_pb.ts";
import type { CreateBody } from "../containers-deps.ts";

/** CRI's limits in the engine's words. */
export function containerResources(resources: LinuxContainerResources): ContainerResources {
  const { cpusetCpus, cpusetMems, unified } = resources;
  return {
    cpuPeriodMicros: whole(resources.cpuPeriod, "cpu_period"),
    cpuQuotaMicros: whole(resources.cpuQuota, "cpu_quota"),
    cpuShares: whole(resources.cpuShares, "cpu_shares"),
    cpusetCpus,
    cpusetMems,
    memoryBytes: whole(resources.memoryLimitInBytes, "memory_limit_in_bytes"),
    memorySwapBytes: whole(resources.memorySwapLimitInBytes, "memory_swap_limit_in_bytes"),
    oomScoreAdj: whole(resources.oomScoreAdj, "oom_score_adj"),
    hugepageLimits: hugepageLimits(resources),
    unified,
  };
}

export function hugepageLimits({ hugepageLimits: limits }: Pick<LinuxContainerResources, "hugepageLimits">): HugepageLimit[] {
  return limits.map(({ pageSize, limit }) => ({ pageSize, limitBytes: whole(limit, "hugepage_limits") }));
}

/** The same as members of a create body; what Docker has no word for is `CriSettings`'. */
export function bodyResources(resources: LinuxContainerResources): Partial<NonNullable<CreateBody["HostConfig"]>> {
  const limits = containerResources(resources);
  const { memoryBytes = 0, memorySwapBytes = 0 } = limits;
  return {
    ...(limits.cpuPeriodMicros && { CpuPeriod: limits.cpuPeriodMicros }),
    ...(limits.cpuQuotaMicros && { CpuQuota: limits.cpuQuotaMicros }),
    ...(limits.cpuShares && { CpuShares: limits.cpuShares }),
    ...(limits.cpusetCpus && { CpusetCpus: limits.cpusetCpus }),
    ...(limits.cpusetMems && { CpusetMems: limits.cpusetMems }),
    ...(memoryBytes && { Memory: memoryBytes }),
    // As much as memory alone is what it is anyway, and a plugin that changes the one need not know of the other.
    ...(memorySwapBytes && memorySwapBytes !== memoryBytes && { MemorySwap: memorySwapBytes }),
    ...(limits.oomScoreAdj && { OomScoreAdj: limits.oomScoreAdj }),
  };
}

/** 64 bits may be more than a number holds exactly. */
function whole(value: bigint, field: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidArgument(`${field}: ${value} is too large`);
  return number;
}
