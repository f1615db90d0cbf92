import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LinuxContainerResourcesSchema } from "../gen/runtime_v1_pb.ts";
import type { PodContainer } from "./find-container.ts";

/** Limits that are in force, as CRI writes them: 0 and "" where there is none. */
export function criResources({ hostConfig, cri }: PodContainer): MessageInitShape<typeof LinuxContainerResourcesSchema> {
  const { CpuPeriod = 0, CpuQuota = 0, CpuShares = 0, Memory = 0, MemorySwap = 0, OomScoreAdj = 0 } = hostConfig;
  return {
    cpuPeriod: BigInt(CpuPeriod),
    cpuQuota: BigInt(CpuQuota),
    cpuShares: BigInt(CpuShares),
    memoryLimitInBytes: BigInt(Memory),
    memorySwapLimitInBytes: BigInt(MemorySwap),
    oomScoreAdj: BigInt(OomScoreAdj),
    cpusetCpus: hostConfig.CpusetCpus ?? "",
    cpusetMems: hostConfig.CpusetMems ?? "",
    hugepageLimits: (cri.hugepageLimits ?? []).map(({ pageSize, limitBytes }) => ({ pageSize, limit: BigInt(limitBytes) })),
    unified: { ...cri.unified },
  };
}
