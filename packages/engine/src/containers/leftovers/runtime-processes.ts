import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

/** What shims and runtimes of ours are known by: nobody else's say all of this on their command lines. */
export interface RuntimeMarks {
  /** containerd's socket, and our namespace in it. */
  address: string;
  namespace: string;
  /** Where our runtime keeps its states; absent where that is not ours alone. */
  states?: string | undefined;
}

/** A shim, or a call of the runtime, and the container it is there for. */
export interface RuntimeProcess {
  pid: number;
  containerId: string;
}

/** The shims of our containerd and namespace, and the runtime's own processes, among all processes. */
export function runtimeProcessesAmong(
  processes: Iterable<{ pid: number; words: readonly string[] }>,
  { address, namespace, states }: RuntimeMarks,
): RuntimeProcess[] {
  const found: RuntimeProcess[] = [];
  for (const { pid, words } of processes) {
    const after = (flag: string): string | undefined => (words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined);
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
  const names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found: RuntimeProcess[] = [];
  for (let at = 0; at < names.length; at += lookedAtOnce) {
    if (at > 0) await turn();
    const processes = names.slice(at, at + lookedAtOnce).map((name) => ({ pid: Number(name), words: wordsOf(name) }));
    found.push(...runtimeProcessesAmong(processes, marks));
  }
  return found;
}

function wordsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
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
