import { takeLoopShare } from "@pouchcontainer/owners";
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const blockBytes = 64 * 1024;
const newline = 10;

/** One file of a log, open for reading at any place. Compressed ones are read whole: their size is bounded by `max-size`. */
export interface LogSource {
  readonly sizeBytes: number;
  read(into: Buffer, position: number): number;
  close(): void;
}

/** Paths of a log's files, oldest first. A file that is being compressed counts once. */
export function logFilePaths(path: string): string[] {
  const name = basename(path);
  const old = new Map<number, string>();
  for (const entry of readdirSync(dirname(path))) {
    const match = entry.startsWith(`${name}.`) ? /^(\d+)(\.gz)?$/.exec(entry.slice(name.length + 1)) : null;
    if (match && !(match[2] && old.has(Number(match[1])))) old.set(Number(match[1]), join(dirname(path), entry));
  }
  return [...[...old.entries()].sort(([a], [b]) => b - a).map(([, file]) => file), path];
}

/** Undefined when the file is gone: rotation may take it at any time. */
export async function openLogSource(path: string): Promise<LogSource | undefined> {
  try {
    return path.endsWith(".gz") ? memorySource(await promisify(gunzip)(await readFile(path))) : openFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Never waits for one who writes: whoever else may write where the log is can put a pipe there. */
function openFile(path: string): LogSource | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fstatSync(fd).isFile()) return fileSource(fd);
  closeSync(fd);
  return undefined;
}

function fileSource(fd: number): LogSource {
  return {
    get sizeBytes() {
      return fstatSync(fd).size;
    },
    read: (into, position) => readSync(fd, into, 0, into.length, position),
    close: () => closeSync(fd),
  };
}

function memorySource(bytes: Buffer): LogSource {
  return { sizeBytes: bytes.length, read: (into, position) => bytes.copy(into, 0, position), close: () => undefined };
}

/** When the file was last written, in milliseconds; 0 when it is gone. */
export function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Position of the first of the last `count` lines, or how many of them this file has when it has fewer. */
export async function positionOfLastLines(source: LogSource, count: number): Promise<{ position: number; lines: number }> {
  const block = Buffer.allocUnsafe(blockBytes);
  let lines = 0;
  let end = source.sizeBytes;
  if (count === 0 || end === 0) return { position: end, lines: 0 };
  // The newline that ends the last line begins none.
  for (let searched = end - 1; searched > 0;) {
    await takeLoopShare();
    const start = Math.max(0, searched - blockBytes);
    source.read(block.subarray(0, searched - start), start);
    for (
      let at = block.lastIndexOf(newline, searched - start - 1);
      at !== -1;
      at = at === 0 ? -1 : block.lastIndexOf(newline, at - 1)
    ) {
      if (++lines === count) return { position: start + at + 1, lines };
    }
    searched = start;
    end = start;
  }
  return { position: 0, lines: lines + 1 };
}

/**
 * A position at or before the first line `isBefore` is false for, found by halving: entries are in the order of their time.
 * The caller skips the few earlier lines that are left.
 */
export function positionByHalving(source: LogSource, isBefore: (line: string) => boolean): number {
  let low = 0;
  let high = source.sizeBytes;
  const block = Buffer.allocUnsafe(blockBytes);
  while (high - low > blockBytes) {
    const middle = low + Math.floor((high - low) / 2);
    const read = source.read(block, middle);
    const start = block.subarray(0, read).indexOf(newline);
    const end = start === -1 ? -1 : block.subarray(0, read).indexOf(newline, start + 1);
    if (end === -1) return low;
    if (isBefore(block.toString("utf8", start + 1, end))) low = middle + start + 1;
    else high = middle;
  }
  return low;
}

/** Whole lines from `position` on, a block at a time; `next` is where to go on. Synchronous: the page cache answers in microseconds. */
export function* readLines(
  source: LogSource,
  position: number,
  encoding: "utf8" | "latin1",
): Generator<{ lines: string[]; next: number }> {
  let size = blockBytes;
  for (;;) {
    const block = Buffer.allocUnsafe(size);
    const read = source.read(block, position);
    const end = read === 0 ? -1 : block.lastIndexOf(newline, read - 1);
    if (end === -1) {
      // A line longer than the block, or the end of the file.
      if (read < size) return;
      size *= 2;
      continue;
    }
    position += end + 1;
    yield { lines: block.toString(encoding, 0, end).split("\n"), next: position };
    size = blockBytes;
  }
}
