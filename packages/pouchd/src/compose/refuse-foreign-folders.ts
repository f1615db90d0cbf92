import { namesIn } from "@pouchcontainer/engine";
import { failedPrecondition, invalidArgument } from "@pouchcontainer/errors";
import { existsSync, lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Configuration } from "../config/options.ts";
import { isExecRoot, lastRoot } from "./exec-root-mark.ts";
import { storeFile } from "./store-file.ts";
import { trueFolder } from "./true-folder.ts";

/** What a daemon sweeps in its exec root. */
const swept = ["netns", "containers", "pods", "views", "runc", "plugins"];
/** What it is known by that an exec root is none of this daemon's: that, and what only a home has. */
const telling = [...swept, "store.json"];

/**
 * Refuses folders that are not this daemon's to sweep: another's, whether that one runs or not, what lies in or around one, and what is
 * no daemon's at all.
 */
export function refuseForeignFolders(configuration: Configuration): void {
  const home = trueFolder(configuration["home-dir"]);
  const execRoot = trueFolder(configuration["exec-root-dir"]);
  if (home === execRoot)
    throw invalidArgument(`--home-dir and --exec-root-dir name one folder, ${home}: give each a folder of its own`);
  if (!isExecRoot(execRoot) && lastRoot(home) !== execRoot) refuseUsed(execRoot, home);
  refuseLinks(execRoot);
  if (isExecRoot(home))
    throw failedPrecondition(
      `--home-dir: ${home} is the exec root of a daemon, which is swept: give the daemon a home of its own`,
    );
  const isAnothers = (folder: string) => folder !== home && folder !== execRoot && whoseFolder(folder);
  for (const [option, folder] of Object.entries({ "home-dir": home, "exec-root-dir": execRoot })) {
    for (let above = dirname(folder); above !== dirname(above); above = dirname(above)) {
      const whose = isAnothers(above);
      if (whose) throw failedPrecondition(`--${option}: ${folder} lies in ${above}, ${whose}: name a folder outside of it`);
    }
    // One that is in use already may have in it what its owner used before.
    if (whoseFolder(folder)) continue;
    for (const inner of namesIn(folder).map((name) => join(folder, name))) {
      const whose = isAnothers(inner);
      if (whose)
        throw failedPrecondition(`--${option}: ${folder} has in it ${inner}, ${whose}: name a folder of the daemon's own`);
    }
  }
}

function refuseUsed(execRoot: string, home: string): void {
  const there = namesIn(execRoot);
  const sweeping = "and a daemon removes from its exec root what it does not know: give it a folder that is new or empty";
  if (existsSync(storeFile(execRoot)))
    throw failedPrecondition(`--exec-root-dir: ${execRoot} is ${whoseFolder(execRoot)}, ${sweeping}`);
  // Of an earlier version, which did not mark it.
  if (there.includes("owner") || hasRunsOf(home, execRoot)) return;
  const found = telling.filter((name) => there.includes(name));
  if (found.length > 0)
    throw failedPrecondition(
      `--exec-root-dir: ${execRoot} has in it what no daemon put there for itself (${found.join(", ")}), ${sweeping}`,
    );
}

/** Whether a containerd was there, and all runs are of containers that this home has. */
function hasRunsOf(home: string, execRoot: string): boolean {
  const runs = ["containers", "netns"].flatMap((name) => namesIn(join(execRoot, name)));
  const isOwn = (id: string) => existsSync(join(home, "containers", id));
  return existsSync(storeFile(home)) && existsSync(join(execRoot, "containerd")) && runs.every(isOwn);
}

/** What is swept lies there itself: behind a link it would be somebody else's. */
function refuseLinks(execRoot: string): void {
  const link = swept
    .map((name) => join(execRoot, name))
    .find((path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink());
  if (link !== undefined)
    throw failedPrecondition(`--exec-root-dir: ${link} is a link, and what it leads to would be swept: remove the link`);
}

function whoseFolder(folder: string): string | undefined {
  if (existsSync(storeFile(folder))) return `the home of another daemon (its records are in ${storeFile(folder)})`;
  return isExecRoot(folder) ? "the exec root of another daemon" : undefined;
}
