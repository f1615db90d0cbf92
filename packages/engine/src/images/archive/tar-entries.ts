import { posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { PassThrough, type Readable } from "node:stream";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { streamedTar, type StreamedEntry } from "@pouchcontainer/files";
import { plainTar } from "./plain-tar.ts";

/** A file or link of an archive. Its name is relative, has no `..` and no `.`. */
export interface TarEntry {
  name: string;
  /** Where a link points, resolved in the archive; undefined for a file. */
  linkTo: string | undefined;
  size: number;
  content: AsyncIterable<Buffer>;
}

const entryLimit = 200_000;
/** No kernel opens a longer one (`PATH_MAX`). */
const nameLimit = 4096;
/** All names of an archive are in memory at once. */
const allNamesLimit = 64 * 1024 * 1024;

/**
 * Reads a tar, plain or compressed, entry by entry. Of a source that is refused the rest is
 * not read, and it is not destroyed either.
 */
export async function readTar(source: Readable, signal: AbortSignal, onEntry: (entry: TarEntry) => Promise<void>): Promise<void> {
  const tar = new PassThrough({ highWaterMark: 1 << 20 });
  const { chunks, plain } = await plainTar(source);
  const piped = pipeline(chunks, plain, tar, { signal });
  // What stops the reading is told by the loop below; here it would go unheard.
  piped.catch(() => undefined);
  let count = 0;
  let namesLength = 0;
  try {
    for await (const entry of streamedTar(tar)) {
      count += 1;
      if (count > entryLimit) throw invalidArgument(`invalid archive: it has more than ${entryLimit} entries`);
      namesLength += nameLengthOf(entry);
      if (namesLength > allNamesLimit)
        throw invalidArgument(`invalid archive: the names of its entries have more than ${allNamesLimit} characters`);
      const described = describe(entry);
      if (described !== undefined) await onEntry(described);
    }
    await piped;
  } catch (error) {
    tar.destroy();
    if (signal.aborted || error instanceof EngineError) throw error;
    throw invalidArgument(`invalid archive: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Of the name and of what a link points to: whatever is done with them takes them to be short. */
function nameLengthOf({ name, linkName }: StreamedEntry): number {
  const lengths = [name.length, linkName.length];
  const longest = Math.max(...lengths);
  if (longest > nameLimit)
    throw invalidArgument(`invalid archive: an entry's name or link has ${longest} characters, more than ${nameLimit}`);
  return lengths.reduce((sum, length) => sum + length);
}

const otherKinds = { characterDevice: "character-device", blockDevice: "block-device", fifo: "fifo" };

function describe({ kind, name, linkName, size, content }: StreamedEntry): TarEntry | undefined {
  const path = cleanPath(name, name);
  if (kind === "folder" || path === "") return undefined;
  switch (kind) {
    case "file":
      return { name: path, linkTo: undefined, size, content };
    case "symbolicLink":
      return {
        name: path,
        linkTo: cleanPath(posix.join(posix.dirname(path), relative(linkName, name)), name),
        size: 0,
        content,
      };
    case "hardLink":
      return { name: path, linkTo: cleanPath(linkName, name), size: 0, content };
    default:
      throw invalidArgument(`invalid archive: "${name}" is a ${otherKinds[kind]}`);
  }
}

function relative(target: string, name: string): string {
  if (target.startsWith("/")) throw invalidArgument(`invalid archive: "${name}" points outside the archive`);
  return target;
}

function cleanPath(path: string, name: string): string {
  const clean = posix.normalize(path.replace(/(?<!\/)\/+$/, "") || ".");
  if (clean.startsWith("/") || clean === ".." || clean.startsWith("../") || clean.includes("\0")) {
    throw invalidArgument(`invalid archive: "${name}" points outside the archive`);
  }
  return clean === "." ? "" : clean;
}
