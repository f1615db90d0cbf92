import { invalidArgument } from "@pouchcontainer/errors";
import type { Stats } from "node:fs";
import { chmod, lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";

/** Something in a package. */
export interface PackageEntry {
  /** Below the package's folder. */
  path: string;
  stats: Stats;
  /** Where a link leads. */
  target?: string;
}

/** More than the packages of any plugin have; each is looked at. */
const mostEntries = 200_000;
const mostDepth = 100;

/** Bits that make a program run as somebody else, or say who may remove what is in a folder. */
const specialBits = 0o7000;

const rule = "a package has folders, regular files, and links that stay in it";

/**
 * What is in a package, each folder before what is in it, by name, without what has a name to be left out. Links are not followed. Throws
 * `invalidArgument` with the name of whatever is no folder, no regular file, and no link that stays inside.
 */
export async function* packageEntries(
  root: string,
  leftOut: ReadonlySet<string> = new Set(),
): AsyncGenerator<PackageEntry, void, undefined> {
  let count = 0;
  async function* within(folder: string, depth: number): AsyncGenerator<PackageEntry, void, undefined> {
    if (depth > mostDepth) throw invalidArgument(`the plugin's package has folders that are more than ${mostDepth} deep`);
    for (const name of (await readdir(join(root, folder))).toSorted()) {
      if (leftOut.has(name)) continue;
      if (++count > mostEntries) throw invalidArgument(`the plugin's package has more than ${mostEntries} files`);
      const path = join(folder, name);
      const entry = await entryAt(root, path, depth);
      yield entry;
      if (entry.stats.isDirectory()) yield* within(path, depth + 1);
    }
  }
  yield* within("", 0);
}

/** Throws as `packageEntries` does; programs of the package run as whoever runs them. */
export async function settleTree(root: string): Promise<void> {
  for await (const { path, stats } of packageEntries(root))
    if (!stats.isSymbolicLink() && (stats.mode & specialBits) !== 0) await chmod(join(root, path), stats.mode & 0o777);
}

/** The same for a folder that is not the daemon's own: nothing is changed. */
export async function checkTree(root: string, leftOut: ReadonlySet<string>): Promise<void> {
  for await (const _ of packageEntries(root, leftOut));
}

async function entryAt(root: string, path: string, depth: number): Promise<PackageEntry> {
  const stats = await lstat(join(root, path));
  if (stats.isDirectory() || stats.isFile()) return { path, stats };
  if (!stats.isSymbolicLink()) throw refused(path, kindOf(stats));
  const target = await readlink(join(root, path));
  if (mayLeave(target, depth)) throw refused(path, `a link to ${JSON.stringify(target)}`);
  return { path, stats, target };
}

/**
 * Whether a link in a folder that is so many folders deep may lead out. `..` counts only in front, where it climbs folders and no links: what
 * comes then is below, or a link for which the same is true.
 */
function mayLeave(target: string, depth: number): boolean {
  if (target.startsWith("/")) return true;
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const down = parts.findIndex((part) => part !== "..");
  const climbs = down === -1 ? parts.length : down;
  return climbs > depth || parts.includes("..", climbs);
}

function refused(path: string, what: string): Error {
  return invalidArgument(`${JSON.stringify(path)} in the plugin's package is ${what}: ${rule}`);
}

function kindOf(stats: Stats): string {
  if (stats.isBlockDevice()) return "a block device";
  if (stats.isCharacterDevice()) return "a character device";
  return stats.isFIFO() ? "a FIFO" : "a socket";
}
