import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Processes of a group that the kernel ended for want of memory; of version 1 and 2, whichever of its folders tells. Undefined where none does. */
export const oomKillsIn = (folders: readonly string[]): number | undefined =>
  counted(folders, ["memory.events", "memory.oom_control"], "oom_kill");

/** How often a process of a group was not allowed to start another process or thread. */
export const refusedForksIn = (folders: readonly string[]): number => counted(folders, ["pids.events"], "max") ?? 0;

/** At once: a process has ended, and with it goes its group. These files are the kernel's. */
function counted(folders: readonly string[], files: readonly string[], key: string): number | undefined {
  let sum: number | undefined;
  for (const folder of folders)
    for (const file of files) {
      const line = readOr(join(folder, file))
        .split("\n")
        .find((one) => one.startsWith(`${key} `));
      if (line !== undefined) sum = (sum ?? 0) + Number(line.slice(key.length + 1));
    }
  return sum;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
