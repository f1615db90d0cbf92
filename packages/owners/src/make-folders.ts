import { mkdirSync, statSync, type Stats } from "node:fs";
import { chmod, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those missing above it, as mkdir(2) with a mode before the umask, 0777 by default; the topmost that it made, or
 * undefined where all were there. Node's `recursive` begins anew for ever, on the event loop, where the kernel answers ENOENT below a
 * folder that is there, as in /proc.
 */
export async function makeFolders<Path extends string | Buffer>(path: Path, mode?: number): Promise<Path | undefined> {
  const calls = foldersToMake(path);
  let next = calls.next();
  while (next.done !== true) {
    const { call, folder } = next.value;
    next = calls.next(await (call === "mkdir" ? mkdir(folder, mode) : stat(folder)).catch((error: unknown) => error));
  }
  return next.value;
}

/** As {@link makeFolders}, at once. */
export function makeFoldersSync<Path extends string | Buffer>(path: Path, mode?: number): Path | undefined {
  const calls = foldersToMake(path);
  let next = calls.next();
  while (next.done !== true) next = calls.next(madeSync(next.value, mode));
  return next.value;
}

function madeSync({ call, folder }: Call, mode: number | undefined): unknown {
  try {
    return call === "mkdir" ? mkdirSync(folder, mode) : statSync(folder);
  } catch (error) {
    return error;
  }
}

/**
 * Makes a folder, and those missing above it, that everyone may look into, whatever the umask is. Folders that exist keep their modes.
 */
export async function makeOpenFolders(path: string): Promise<void> {
  const first = await makeFolders(path);
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}

interface Call {
  call: "mkdir" | "stat";
  folder: string | Buffer;
}

/** The calls to make, one after the other; each is answered with its result or its error. */
function* foldersToMake<Path extends string | Buffer>(path: Path): Generator<Call, Path | undefined, unknown> {
  const found = yield* madeOrThere(path);
  if (found === "made") return path;
  if (found === "there") return undefined;
  const parent = above(path);
  if (codeOf(found) !== "ENOENT" || parent === undefined) throw found;
  const first = yield* foldersToMake(parent);
  const again = yield* madeOrThere(path);
  if (again !== "made" && again !== "there") throw again;
  return first ?? (again === "made" ? path : undefined);
}

/** What has become of one folder: made, there already, or the error. */
function* madeOrThere(folder: string | Buffer): Generator<Call, unknown, unknown> {
  const failure = yield { call: "mkdir", folder };
  if (failure === undefined) return "made";
  if (codeOf(failure) !== "EEXIST") return failure;
  const found = yield { call: "stat", folder };
  return !(found instanceof Error) && (found as Stats).isDirectory() ? "there" : failure;
}

/** What a path is below; undefined for one of one name, and for the root. */
function above<Path extends string | Buffer>(path: Path): Path | undefined {
  const text = typeof path === "string" ? path : path.toString("latin1");
  const { length } = /^(.*?[^/])?(?=\/+[^/]+\/*$)/s.exec(text)?.[0] ?? "";
  // Part of a path is a path of its kind.
  return length === 0 ? undefined : (path.slice(0, length) as Path);
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;
