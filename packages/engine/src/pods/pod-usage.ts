import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What a pod's control group has used, its containers included. */
export interface PodGroupUsage {
  /** CPU time since the group was made. */
  cpuNanoseconds: bigint;
  memory: {
    usageBytes: bigint;
    /** Without what the kernel gives back at once. */
    workingSetBytes: bigint;
    rssBytes: bigint;
    pageFaults: bigint;
    majorPageFaults: bigint;
    /** 0: none. */
    limitBytes: bigint;
  };
  processes: bigint;
}

/** What passed an interface since it was made. */
export interface InterfaceUsage {
  name: string;
  rxBytes: bigint;
  rxErrors: bigint;
  txBytes: bigint;
  txErrors: bigint;
}

/** More than any machine has: version 1 writes a limit that is none so. */
const noLimit = 1n << 60n;

/** Reads a group; undefined where it is not (any more). */
export async function groupUsage(
  { version, places }: { version: 1 | 2; places: readonly string[] },
  group: string,
): Promise<PodGroupUsage | undefined> {
  const read = async (file: string): Promise<string | undefined> => {
    for (const place of places) {
      try {
        return await readFile(join(place, group, file), "utf8");
      } catch {
        // Of another controller's hierarchy.
      }
    }
    return undefined;
  };
  return version === 1 ? await usageOfVersion1(read) : await usageOfVersion2(read);
}

type Read = (file: string) => Promise<string | undefined>;

async function usageOfVersion1(read: Read): Promise<PodGroupUsage | undefined> {
  const [cpu, usage, limit, stat, pids] = await Promise.all(
    ["cpuacct.usage", "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.stat", "pids.current"].map(read),
  );
  if (cpu === undefined && usage === undefined) return undefined;
  const stats = namedNumbers(stat);
  return {
    cpuNanoseconds: numberIn(cpu),
    memory: memoryOf(numberIn(usage), numberIn(limit), {
      inactiveFile: stats.get("total_inactive_file"),
      rss: stats.get("total_rss"),
      faults: stats.get("total_pgfault"),
      majorFaults: stats.get("total_pgmajfault"),
    }),
    processes: numberIn(pids),
  };
}

async function usageOfVersion2(read: Read): Promise<PodGroupUsage | undefined> {
  const [cpu, usage, limit, stat, pids] = await Promise.all(
    ["cpu.stat", "memory.current", "memory.max", "memory.stat", "pids.current"].map(read),
  );
  if (cpu === undefined) return undefined;
  const stats = namedNumbers(stat);
  return {
    cpuNanoseconds: (namedNumbers(cpu).get("usage_usec") ?? 0n) * 1000n,
    memory: memoryOf(numberIn(usage), numberIn(limit), {
      inactiveFile: stats.get("inactive_file"),
      rss: stats.get("anon"),
      faults: stats.get("pgfault"),
      majorFaults: stats.get("pgmajfault"),
    }),
    processes: numberIn(pids),
  };
}

function memoryOf(
  usageBytes: bigint,
  limit: bigint,
  stats: Record<"inactiveFile" | "rss" | "faults" | "majorFaults", bigint | undefined>,
): PodGroupUsage["memory"] {
  const { inactiveFile = 0n, rss = 0n, faults = 0n, majorFaults = 0n } = stats;
  return {
    usageBytes,
    workingSetBytes: usageBytes > inactiveFile ? usageBytes - inactiveFile : 0n,
    rssBytes: rss,
    pageFaults: faults,
    majorPageFaults: majorFaults,
    limitBytes: limit >= noLimit ? 0n : limit,
  };
}

/** `max`, and what is not there, is 0. */
function numberIn(text: string | undefined): bigint {
  const digits = text?.trim() ?? "";
  return /^\d+$/.test(digits) ? BigInt(digits) : 0n;
}

function namedNumbers(text = ""): Map<string, bigint> {
  return new Map(
    text.split("\n").flatMap((line): [string, bigint][] => {
      const [name = "", value] = line.split(" ");
      return value === undefined ? [] : [[name, numberIn(value)]];
    }),
  );
}

/** From the text of `/proc/net/dev`; loopback is nobody's traffic. */
export function interfacesIn(text: string): InterfaceUsage[] {
  return text
    .split("\n")
    .slice(2)
    .flatMap((line) => {
      const [name = "", counters = ""] = line.split(":");
      const values = counters.trim().split(/\s+/);
      if (counters === "" || name.trim() === "lo") return [];
      const at = (index: number): bigint => numberIn(values[index]);
      return [{ name: name.trim(), rxBytes: at(0), rxErrors: at(2), txBytes: at(8), txErrors: at(10) }];
    });
}
