import { unavailable } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileWorkerArgument } from "./file-worker-command.ts";
import { pluginChildArgument } from "./plugin-child-command.ts";

/** Writes the daemon's pid; refuses while the process named in the file is a living pouchd. Returns what removes it, if it is still ours. */
export function writePidFile(file: string): () => void {
  const other = pidIn(file);
  if (other !== undefined && other !== process.pid && isDaemon(other)) {
    throw unavailable(`pouchd already runs with pid ${other} (${file}): stop it, or give this one a --pidfile of its own`);
  }
  makeFoldersSync(dirname(file));
  writeFileSync(file, String(process.pid));
  return () => {
    if (pidIn(file) === process.pid) rmSync(file, { force: true });
  };
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8").trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A pid of another boot may be anybody's by now; only a pouchd keeps us out, and not one in another role of the executable. */
function isDaemon(pid: number): boolean {
  let words: string[];
  try {
    words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return false;
  }
  const fromSource = basename(words[0] ?? "") === "node";
  const own = fromSource ? words.findIndex((word) => word.endsWith("/pouchd/src/main.ts")) : 0;
  const named = fromSource ? own > 0 : basename(words[0] ?? "") === "pouchd";
  return named && ![fileWorkerArgument, pluginChildArgument].includes(words[own + 1] ?? "");
}
