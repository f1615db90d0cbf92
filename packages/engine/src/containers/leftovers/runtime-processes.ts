import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { markVariable } from "../../marked-processes.ts";
import { hookOf } from "../bounded-hook.ts";

/** What shims and runtimes of ours are known by: nobody else's say all of this on their command lines. */
export interface RuntimeMarks {
  /** containerd's socket, and our namespace in it. */
  address: string;
  namespace: string;
  /** Where our runtime keeps its states; absent where that is not ours alone. */
  states?: string | undefined;
  /** Below it each container has the folder that hooks of plugins write into; absent: hooks are not looked for. */
  exec?: string | undefined;
}

/** A shim, a call of the runtime or a hook that it runs, and the container it is there for. */
export interface RuntimeProcess {
  pid: number;
  containerId: string;
  /** In the environment of what a hook began. */
  mark?: string;
}

/** The shims of our containerd and namespace, and the runtime's own processes, among all processes. */
export function runtimeProcessesAmong(
  processes: Iterable<{ pid: number; words: readonly string[] }>,
  { address, namespace, states, exec }: RuntimeMarks,
): RuntimeProcess[] {
  const found: RuntimeProcess[] = [];
  for (const { pid, words } of processes) {
    const after = (flag: string): string | undefined => (words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined);
    const hook = hookOf(words);
    if (hook !== undefined && exec !== undefined && dirname(hook.directory) === exec)
      found.push({ pid, containerId: basename(hook.directory), mark: hook.mark });
    const isShim = basename(words[0] ?? "").startsWith("containerd-shim-");
    if (isShim && after("-address") === address && after("-namespace") === namespace) {
      const containerId = after("-id");
      if (containerId !== undefined) found.push({ pid, containerId });
    } else if (!isShim && states !== undefined && after("--root") === states) {
      const containerId = words.findLast((word) => /^[0-9a-f]{64}$/.test(word));
      if (containerId !== undefined) found.push({ pid, containerId });
    }
  }
  return found;
}

/** How many processes are looked at before others get their turn: a look costs some 10 µs. */
const lookedAtOnce = 100;

export async function runtimeProcesses(marks: RuntimeMarks): Promise<RuntimeProcess[]> {
  return await amongAll((pids) =>
    runtimeProcessesAmong(
      pids.map((pid) => ({ pid, words: wordsIn(pid, "cmdline") })),
      marks,
    ),
  );
}

/** What hooks began that carry one of these marks, wherever it is in the tree of processes. */
export async function markedProcesses(marks: ReadonlySet<string>): Promise<number[]> {
  if (marks.size === 0) return [];
  const wanted = new Set([...marks].map((mark) => `${markVariable}=${mark}`));
  return await amongAll((pids) => pids.filter((pid) => wordsIn(pid, "environ").some((word) => wanted.has(word))));
}

async function amongAll<T>(look: (pids: number[]) => T[]): Promise<T[]> {
  const pids = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  const found: T[] = [];
  for (let at = 0; at < pids.length; at += lookedAtOnce) {
    if (at > 0) await turn();
    found.push(...look(pids.slice(at, at + lookedAtOnce)));
  }
  return found;
}

function wordsIn(pid: number, file: "cmdline" | "environ"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch {
    // Gone since the folder was listed.
    return [];
  }
}

/** A process with everything below it, itself last. */
export function withDescendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return [...(children === "" ? [] : children.split(" ")).flatMap((child) => withDescendants(Number(child))), pid];
  } catch {
    return [];
  }
}
