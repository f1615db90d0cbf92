import { writeWholeSync } from "@pouchcontainer/engine";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { note, noted } from "./noted.ts";

/** Says of a folder that a daemon has it for its exec root, or had, whatever else is left of that. */
export const execRootMark = (folder: string): string => join(folder, ".pouchd-exec-root");

export const isExecRoot = (folder: string): boolean => existsSync(execRootMark(folder));

/** Before anything else is made in it: what is there without the mark is not a daemon's. */
export function markExecRoot(folder: string): void {
  if (!isExecRoot(folder))
    writeWholeSync(execRootMark(folder), "What pouchd needs while it runs; it removes what it does not know.\n");
}

const lastRootFile = (home: string): string => join(home, ".last-exec-root");

export function noteLastRoot(home: string, execRoot: string): void {
  if (lastRoot(home) !== execRoot) note(lastRootFile(home), `${execRoot}\n`);
}

/** The exec root that a home was used with, as the kernel names it. */
export const lastRoot = (home: string): string | undefined => noted(lastRootFile(home))?.trimEnd() || undefined;
