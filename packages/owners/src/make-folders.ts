import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";

/**
 * Makes a folder and those missing above it, as mkdir(2) with a mode before the umask, 0777 by default; the topmost that it made, or
 * undefined where all were there. Node's `recursive` begins anew for ever, on the event loop, where the kernel answers ENOENT below a
 * folder that is there, as in /proc.
 */
export async function makeFolders<Path extends string | Buffer>(path: Path, mode?: number): Promise<Path | undefined> {
  const folders = foldersToMake(path);
  let next = folders.next();
  while (next.done !== true) {
    const folder = next.value;
    let failure: unknown;
    try {
      await mkdir(folder, mode);
    } catch (error) {
      failure =
        codeOf(error) === "EEXIST" && (await stat(folder).catch(() => undefined))?.isDirectory() === true ? isThere : error;
    }
    next = folders.next(failure);
  }
  return next.value;
}

/** As {@link makeFolders}, at once. */
export function makeFoldersSync<Path extends string | Buffer>(path: Path, mode?: number): Path | undefined {
  const folders = foldersToMake(path);
  let next = folders.next();
  while (next.done !== true) {
    const folder = next.value;
    let failure: unknown;
    try {
      mkdirSync(folder, mode);
    } catch (error) {
      failure =
        codeOf(error) === "EEXIST" && statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? isThere : error;
    }
    next = folders.next(failure);
  }
  return next.value;
}

const isThere = Symbol("a folder that is there");

/** Each folder to make, for which it is told why that failed. */
function* foldersToMake<Path extends string | Buffer>(path: Path): Generator<Path, Path | undefined, unknown> {
  const failure = yield path;
  if (failure === undefined) return path;
  if (failure === isThere) return undefined;
  const parent = above(path);
  if (codeOf(failure) !== "ENOENT" || parent === undefined) throw failure;
  const first = yield* foldersToMake(parent);
  const second = yield path;
  if (second !== undefined && second !== isThere) throw second;
  return first ?? (second === undefined ? path : undefined);
}

/** What a path is below; undefined for one of one name, and for the root. */
function above<Path extends string | Buffer>(path: Path): Path | undefined {
  const text = typeof path === "string" ? path : path.toString("latin1");
  const { length } = /^(.*?[^/])?(?=\/+[^/]+\/*$)/s.exec(text)?.[0] ?? "";
  // Part of a path is a path of its kind.
  return length === 0 ? undefined : (path.slice(0, length) as Path);
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;
