import type { Libc } from "@pouchcontainer/linux";
import { lstatSync, readdirSync, rmdirSync } from "node:fs";
import { BadGlob } from "../ignore/glob.ts";
import { IgnoreRules } from "../ignore/ignore-rules.ts";
import { codeOf, JobFailure } from "./job-failure.ts";
import { joinPath } from "./paths.ts";
import { removeTree } from "./remove-tree.ts";

const root = Buffer.from("/");

/** Removes what the rules of a `.dockerignore` leave out. Nobody else changes these files meanwhile. */
export function removeIgnored(libc: Libc, lines: readonly string[]): undefined {
  const rules = readRules(lines);
  if (!rules.isEmpty) removeBelow(libc, root, rules);
}

function readRules(lines: readonly string[]): IgnoreRules {
  try {
    return new IgnoreRules(lines);
  } catch (error) {
    if (error instanceof BadGlob) throw new JobFailure("invalidArgument", error.message);
    throw error;
  }
}

/** A folder that is left out stays where something in it does not. */
function removeBelow(libc: Libc, folder: Buffer, rules: IgnoreRules): void {
  for (const name of readdirSync(folder, "buffer")) {
    const path = joinPath(folder, name);
    const isIgnored = rules.ignores(path.toString().slice(1));
    const isFolder = lstatSync(path).isDirectory();
    if (isIgnored && (!isFolder || !rules.takesAgain)) removeTree(libc, path);
    else if (isFolder) {
      removeBelow(libc, path, rules);
      if (isIgnored) removeIfEmpty(path);
    }
  }
}

function removeIfEmpty(folder: Buffer): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY") throw error;
  }
}
