import { posix } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { extract as tarExtract, type Header } from "tar-stream";
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
 * Reads a tar, plain or compressed, entry by entry; every entry must be read to its end. Of a source that is refused the rest is
 * not read, and it is not destroyed either.
 */
export async function readTar(source: Readable, signal: AbortSignal, onEntry: (entry: TarEntry) => Promise<void>): Promise<void> {
  const extract = tarExtract();
  const { chunks, plain } = await plainTar(source);
  const piped = pipeline(chunks, plain, extract, { signal });
  // What stops the reading is told by the loop below; here it would go unheard.
  piped.catch(() => undefined);
  let count = 0;
  let namesLength = 0;
  try {
    for await (const entry of extract) {
      count += 1;
      if (count > entryLimit) throw invalidArgument(`invalid archive: it has more than ${entryLimit} entries`);
      namesLength += nameLengthOf(entry.header);
      if (namesLength > allNamesLimit)
        throw invalidArgument(`invalid archive: the names of its entries have more than ${allNamesLimit} characters`);
      const described = describe(entry);
      if (described === undefined) entry.resume();
      else await onEntry(described);
    }
    await piped;
  } catch (error) {
    extract.destroy();
    if (signal.aborted || error instanceof EngineError) throw error;
    throw invalidArgument(`invalid archive: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Of the name and of what a link points to: whatever is done with them takes them to be short. */
function nameLengthOf({ name, linkname }: Header): number {
  const lengths = [name.length, linkname?.length ?? 0];
  const longest = Math.max(...lengths);
  if (longest > nameLimit)
    throw invalidArgument(`invalid archive: an entry's name or link has ${longest} characters, more than ${nameLimit}`);
  return lengths.reduce((sum, length) => sum + length);
}

function describe(entry: AsyncIterable<unknown> & { header: Header }): TarEntry | undefined {
  const { name, type, linkname, size } = entry.header;
  const path = cleanPath(name, name);
  if (type === "directory" || path === "") return undefined;
  // The library's types leave open what an entry streams: it is what went in, buffers.
  const content = entry as AsyncIterable<Buffer>;
  switch (type) {
    case "file":
    case "contiguous-file":
      return { name: path, linkTo: undefined, size, content };
    case "symlink":
      return {
        name: path,
        linkTo: cleanPath(posix.join(posix.dirname(path), relative(linkname, name)), name),
        size: 0,
        content,
      };
    case "link":
      return { name: path, linkTo: cleanPath(linkname, name), size: 0, content };
    default:
      throw invalidArgument(`invalid archive: "${name}" is a ${type}`);
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
