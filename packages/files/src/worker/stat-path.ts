import { lstatSync, type BigIntStats } from "node:fs";
import type { PathStat } from "../file-jobs.ts";
import { codeOf, JobFailure } from "./job-failure.ts";
import { absolutePath, endsWithSlash, namesOf } from "./paths.ts";
import { resolvePath } from "./resolve-path.ts";

/** A path as Docker reads it. */
export interface NamedPath {
  /** As it was asked: absolute, and with its slash or `/.` at the end. */
  asked: Buffer;
  /** What it names below the root: links are followed on the way and, where a slash or dot ends it, at the end too. */
  resolved: Buffer;
  /** The last part of what was asked: `.`, or `/` for the root. */
  name: Buffer;
}

export function namedPath(path: Buffer): NamedPath {
  const names = namesOf(cleaned(path));
  const clean = absolutePath(names);
  const ending = /(^|\/)\.$/.test(path.toString("latin1")) ? "/." : endsWithSlash(path) ? "/" : "";
  const last = names.at(-1);
  if (ending !== "" || last === undefined) {
    const resolved = resolvePath(clean);
    return {
      asked: last === undefined ? Buffer.from(ending === "/." ? "/." : "/") : Buffer.concat([clean, Buffer.from(ending)]),
      resolved: Buffer.concat([resolved, Buffer.from(ending)]),
      name: ending === "/." ? Buffer.from(".") : (last ?? Buffer.from("/")),
    };
  }
  const folder = resolvePath(absolutePath(names.slice(0, -1)));
  return { asked: clean, resolved: absolutePath([...namesOf(folder), last]), name: last };
}

/** Go's `filepath.Join("/", path)`: `..` is taken by its name, before any link is looked at. */
function cleaned(path: Buffer): Buffer {
  const names: Buffer[] = [];
  for (const name of namesOf(path)) {
    if (name.equals(parent)) names.pop();
    else names.push(name);
  }
  return absolutePath(names);
}

const parent = Buffer.from("..");

/** Describes what a path names; a link is described, not followed, unless a slash or dot is behind it. */
export function statPath(path: NamedPath): PathStat {
  const stats = lstat(path);
  return {
    name: path.name.toString(),
    size: Number(stats.size),
    mode: goFileMode(stats),
    modifiedNanoseconds: String(clamped(stats.mtimeNs)),
    linkTarget: stats.isSymbolicLink() ? resolvePath(path.asked).toString() : "",
  };
}

export function lstat({ asked, resolved }: NamedPath): BigIntStats {
  let stats: BigIntStats | undefined;
  try {
    stats = lstatSync(resolved, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  if (stats === undefined) throw noSuchPath(asked);
  return stats;
}

/** The daemon completes it with the container's name. */
export const noSuchPath = (path: Buffer): JobFailure => new JobFailure("notFound", path.toString());

/** Go's `fs.FileMode`: permission bits, and the kind in bits of its own. */
export function goFileMode(
  stats: Pick<
    BigIntStats,
    "mode" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket" | "isBlockDevice" | "isCharacterDevice"
  >,
): number {
  const bits = Number(stats.mode);
  let mode = bits & 0o777;
  if (stats.isDirectory()) mode += 2 ** 31;
  if (stats.isSymbolicLink()) mode += 2 ** 27;
  if (stats.isBlockDevice()) mode += 2 ** 26;
  if (stats.isFIFO()) mode += 2 ** 25;
  if (stats.isSocket()) mode += 2 ** 24;
  if (stats.isCharacterDevice()) mode += 2 ** 26 + 2 ** 21;
  if (bits & 0o4000) mode += 2 ** 23;
  if (bits & 0o2000) mode += 2 ** 22;
  if (bits & 0o1000) mode += 2 ** 20;
  return mode;
}

/** Years 1 to 9999: those RFC 3339 has. Some file systems keep others. */
const [earliest, latest] = [-62_135_596_800_000_000_000n, 253_402_300_799_999_999_999n];

const clamped = (time: bigint): bigint => (time < earliest ? earliest : time > latest ? latest : time);
