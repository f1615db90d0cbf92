import { readdirSync, readFileSync } from "node:fs";

/** A shim of our containerd, and the task it was started for. */
export interface Shim {
  pid: number;
  containerId: string;
}

/** Reads which shims run for the containerd at that address, from the command lines of all processes. */
export function shimsOf(address: string, processes: Iterable<{ pid: number; words: readonly string[] }>): Shim[] {
  const shims: Shim[] = [];
  for (const { pid, words } of processes) {
    if (!/(^|\/)containerd-shim-[^/]+$/.test(words[0] ?? "")) continue;
    const after = (flag: string): string | undefined => (words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined);
    const containerId = after("-id");
    if (containerId !== undefined && after("-address") === address) shims.push({ pid, containerId });
  }
  return shims;
}

/** Every process of the machine with its command line. */
export function* allProcesses(proc = "/proc"): Generator<{ pid: number; words: string[] }> {
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      yield { pid: Number(name), words: readFileSync(`${proc}/${name}/cmdline`, "utf8").split("\0") };
    } catch {
      // Gone since the folder was listed.
    }
  }
}

/** Whether the process has children: a shim with one runs a container, whatever its containerd says. */
export function hasChildren(pid: number, proc = "/proc"): boolean {
  try {
    return readFileSync(`${proc}/${pid}/task/${pid}/children`, "utf8").trim() !== "";
  } catch {
    return false;
  }
}
