import { writeWholeSync } from "@pouchcontainer/engine";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Says of a folder that a daemon has it for its exec root, or had, whatever else is left of that. */
export const execRootMark = (folder: string): string => join(folder, ".pouchd-exec-root");

export const isExecRoot = (folder: string): boolean => existsSync(execRootMark(folder));

/** Before anything else is made in it: what is there without the mark is not a daemon's. */
export function markExecRoot(folder: string): void {
  if (!isExecRoot(folder))
    writeWholeSync(execRootMark(folder), "What pouchd needs while it runs; it removes what it does not know.\n");
}

const lastRootFile = (home: string): string => join(home, ".last-exec-root");

/** A full disk keeps no daemon from starting: it is then not known which exec root was the last. */
export function noteLastRoot(home: string, execRoot: string): void {
  if (lastRoot(home) === execRoot) return;
  try {
    writeWholeSync(lastRootFile(home), `${execRoot}\n`);
  } catch {
    // See above.
  }
}

/** The exec root that a home was used with, as the kernel names it. */
export function lastRoot(home: string): string | undefined {
  try {
    return readFileSync(lastRootFile(home), "utf8").trimEnd() || undefined;
  } catch {
    return undefined;
  }
}
