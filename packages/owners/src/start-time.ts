import { readFileSync } from "node:fs";

/**
 * When a process began, in clock ticks since boot (proc(5), field 22 of `stat`): with it a pid is no other process'. Undefined for one that
 * is gone, or has ended and waits for its parent to notice.
 */
export function startTimeOf(pid: number): string | undefined {
  const stat = statOf(pid);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold spaces and parentheses itself; the state is field 3.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : fields[18];
}

function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
