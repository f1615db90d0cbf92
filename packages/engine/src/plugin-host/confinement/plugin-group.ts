import { runProgram } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { endAndRemoveGroups } from "../../control-groups/end-groups.ts";
import { refusedForksIn } from "../../control-groups/group-events.ts";
import { makeGroups } from "../../control-groups/make-groups.ts";
import { writeLimits, type GroupLimits } from "../../control-groups/write-limits.ts";

/** What all processes of a plugin may have together. */
export interface PluginLimits {
  memoryLimitMb: number;
  /** Processes and threads. */
  pidsLimit: number;
}

/** The control group of one instance of a plugin, with a group in it for each process that the daemon starts for it. */
export class PluginGroup {
  /** One in each hierarchy. */
  readonly #folders: readonly string[];
  readonly #plugin: string;
  #processes = 0;

  constructor(folders: readonly string[], plugin: string) {
    this.#folders = folders;
    this.#plugin = plugin;
  }

  /** Writes limits into a group that was made. */
  async limit(limits: PluginLimits): Promise<void> {
    await writeLimits(this.#folders, filesOf(limits), `plugin "${this.#plugin}"`);
  }

  /** Whether the kernel holds its processes to the limit of memory: that controller may be missing. */
  get limitsMemory(): boolean {
    const files = ["memory.limit_in_bytes", "memory.max"];
    return this.#folders.some((folder) => files.some((file) => existsSync(join(folder, file))));
  }

  /** Makes a group for one process and all it starts; who starts that ends and removes it. */
  async forProcess(): Promise<string[]> {
    this.#processes += 1;
    const folders = this.#folders.map((folder) => join(folder, `process-${this.#processes}`));
    await makeGroups(folders);
    await writeLimits(folders, [["memory.oom.group", "1"]], `plugin "${this.#plugin}"`);
    return folders;
  }

  /** Fails where no process can be put into a group of it. */
  async tryOut(): Promise<void> {
    const enter = 'for group in "$@"; do echo "$$" >"$group/cgroup.procs" || exit; done';
    const folders = await this.forProcess();
    await runProgram("/bin/sh", ["-c", enter, "enter", ...folders]);
    await endAndRemoveGroups(folders);
  }

  /** How often it could not start another process or thread: newer kernels count that here, older ones where it was. */
  refusedForks(process: readonly string[]): number {
    return Math.max(refusedForksIn(this.#folders), refusedForksIn(process));
  }

  /** Ends every process in it, and removes it. */
  async remove(): Promise<void> {
    await endAndRemoveGroups(this.#folders);
  }
}

/** Swap is no way around the limit of memory. Files that a kernel or its version of control groups does not have are left out. */
function filesOf({ memoryLimitMb, pidsLimit }: PluginLimits): GroupLimits {
  const bytes = String(memoryLimitMb * 1024 * 1024);
  return [
    ["memory.use_hierarchy", "1"],
    ["memory.limit_in_bytes", bytes],
    ["memory.memsw.limit_in_bytes", bytes],
    ["memory.max", bytes],
    ["memory.swap.max", "0"],
    ["pids.max", String(pidsLimit)],
  ];
}
