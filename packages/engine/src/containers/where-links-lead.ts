import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { MountPointRecord } from "./container-record.ts";

/** Where a path of the host is when its links are followed, as the kernel does that mounts it. What is not there yet is as it is written. */
export async function whereLinksLead(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await whereLinksLead(parent), basename(path));
  }
}

/** The same of all sources that mounts are to pass something on from. */
export async function sourcesOfMounts(mountPoints: readonly MountPointRecord[]): Promise<ReadonlyMap<string, string>> {
  const sources = mountPoints.flatMap(({ propagation, source }) => (/slave|shared/.test(propagation) ? [source] : []));
  return new Map(await Promise.all(sources.map(async (source) => [source, await whereLinksLead(source)] as const)));
}
