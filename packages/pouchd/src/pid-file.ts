import { unavailable } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes the daemon's pid; refuses while the process named in the file is a living pouchd. Returns what removes it. */
export function writePidFile(file: string): () => void {
  const other = livingOwner(file);
  if (other !== undefined) {
    throw unavailable(`pouchd already runs with pid ${other} (${file}): stop it, or give this one a --pidfile of its own`);
  }
  makeFoldersSync(dirname(file));
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

function livingOwner(file: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(file, "utf8").trim());
  } catch {
    return undefined;
  }
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    // A pid of another boot may be anybody's by now; only a pouchd keeps us out.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pouchd") ? pid : undefined;
  } catch {
    return undefined;
  }
}
