import type { ContainerUpdateConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { Readable } from "node:stream";
import { verifyOomScore } from "./config/index.ts";
import { checkCriLimits } from "./cri-record.ts";
import type { Container } from "./container.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { HugepageLimit } from "./cri-settings.ts";
import { updateContainer } from "./update-container.ts";

const leastCpuShares = 2;

/** Limits of a container that are to change. What is absent, 0 or "" stays as it is. */
export interface ContainerResources {
  /** Microseconds. */
  cpuPeriodMicros?: number;
  /** Microseconds of each period; -1 is without limit. */
  cpuQuotaMicros?: number;
  cpuShares?: number;
  /** `0-3,8`. */
  cpusetCpus?: string;
  cpusetMems?: string;
  memoryBytes?: number;
  /** Memory and swap together; -1 is without limit. Absent beside `memoryBytes`: as much as that, so that there is no swap. */
  memorySwapBytes?: number;
  /** Holds from the next start on. */
  oomScoreAdj?: number;
  /** Replace those of the same page size. */
  hugepageLimits?: readonly HugepageLimit[];
  /** cgroup v2 files; others keep their values. */
  unified?: Readonly<Record<string, string>>;
}

/** Changes limits of a container, running or not, for callers within the engine. Plugins see the change as a body of Docker's update. */
export async function updateResources(
  room: ContainerRoom,
  container: Container,
  resources: ContainerResources,
): Promise<{ warnings: string[] }> {
  verifyOomScore(resources.oomScoreAdj ?? 0);
  checkCriLimits(resources, room.deps.facts);
  if (resources.cpuShares !== undefined && resources.cpuShares !== 0 && resources.cpuShares < leastCpuShares)
    throw invalidArgument(`CPU shares ${resources.cpuShares}: the kernel takes no fewer than ${leastCpuShares}`);
  const body = Readable.from([JSON.stringify(bodyOf(resources))]);
  const { Warnings } = await updateContainer(room, container, body, {
    leastMemoryBytes: 0,
    more: (record) => withoutWord(record, resources),
  });
  return { warnings: Warnings ?? [] };
}

function bodyOf(resources: ContainerResources): ContainerUpdateConfig {
  const { cpuPeriodMicros, cpuQuotaMicros, cpuShares, cpusetCpus, cpusetMems, memoryBytes } = resources;
  const memorySwapBytes = resources.memorySwapBytes || memoryBytes;
  return {
    ...(cpuPeriodMicros ? { CpuPeriod: cpuPeriodMicros } : {}),
    ...(cpuQuotaMicros ? { CpuQuota: cpuQuotaMicros } : {}),
    ...(cpuShares ? { CpuShares: cpuShares } : {}),
    ...(cpusetCpus ? { CpusetCpus: cpusetCpus } : {}),
    ...(cpusetMems ? { CpusetMems: cpusetMems } : {}),
    ...(memoryBytes ? { Memory: memoryBytes } : {}),
    ...(memorySwapBytes ? { MemorySwap: memorySwapBytes } : {}),
  };
}

/** What Docker's update has no word for. */
function withoutWord(
  { hostConfig, cri = {} }: ContainerRecord,
  { oomScoreAdj, hugepageLimits = [], unified = {} }: ContainerResources,
): Pick<ContainerRecord, "hostConfig" | "cri"> {
  const pages = new Map([...(cri.hugepageLimits ?? []), ...hugepageLimits].map((limit) => [limit.pageSize, limit]));
  return {
    hostConfig: oomScoreAdj === undefined || oomScoreAdj === 0 ? hostConfig : { ...hostConfig, OomScoreAdj: oomScoreAdj },
    cri: {
      ...cri,
      ...(pages.size > 0 ? { hugepageLimits: [...pages.values()] } : {}),
      ...(cri.unified || Object.keys(unified).length > 0 ? { unified: { ...cri.unified, ...unified } } : {}),
    },
  };
}
