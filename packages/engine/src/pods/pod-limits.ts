import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PodResources } from "./pod-config.ts";
import type { GroupHierarchies } from "../containers/leftovers/control-groups.ts";

/** Writes the limits of a pod into its group's folders, each into the one that has its file. */
export async function limitGroups(
  { version }: Pick<GroupHierarchies, "version">,
  resources: PodResources,
  folders: readonly string[],
): Promise<void> {
  const limits = version === 1 ? limitsOfVersion1(resources) : limitsOfVersion2(resources);
  const places = limits.flatMap(([file, value]) => {
    // Of groups that are in each other the innermost, which is the pod's.
    const folder = folders.findLast((candidate) => existsSync(join(candidate, file)));
    return folder === undefined ? [] : [{ file, value, path: join(folder, file) }];
  });
  // One may bound another (memory, and memory with swap): what is refused at first is tried again after the others.
  const refused: typeof places = [];
  for (const place of places) await write(place.path, place.value).catch(() => refused.push(place));
  for (const { file, value, path } of refused)
    await write(path, value).catch((error: unknown) => {
      throw invalidArgument(`${file} of the pod cannot be "${value}": ${messageChain(error)}`, { cause: error });
    });
}

const write = (path: string, value: string): Promise<void> => writeFile(path, value, { flag: "r+" });

type Limits = [file: string, value: string][];

function limitsOfVersion1(resources: PodResources): Limits {
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

function limitsOfVersion2(resources: PodResources): Limits {
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

function given(limits: [string, string | number | undefined][]): Limits {
  return limits.flatMap(([file, value]): Limits =>
    value === undefined || value === 0 || value === "" ? [] : [[file, String(value)]],
  );
}
