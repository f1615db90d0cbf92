import { posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { PassThrough, type Duplex, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { decompressionPrograms } from "@pouchcontainer/files";
import { detectCompression, type Compression } from "@pouchcontainer/oci";
import { startProgram } from "@pouchcontainer/owners";
import { extract as tarExtract, type Header } from "tar-stream";

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
  const chunks: AsyncIterator<Buffer> = source.iterator({ destroyOnReturn: false });
  const head = await firstBytes(chunks, magicBytes);
  const plain = decompressed(detectCompression(head));
  const piped = pipeline(continued(head, chunks), plain, extract, { signal });
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

type Decompressor = Duplex | ((chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer, void, undefined>);

function decompressed(compression: Compression): Decompressor {
  switch (compression) {
    case "gzip":
      return createGunzip();
    case "zstd":
      return createZstdDecompress();
    case "bzip2":
    case "xz":
      return (chunks) => throughProgram(chunks, decompressionPrograms[compression]);
    default:
      return new PassThrough();
  }
}

/** The program's exit status tells whether the archive was whole. */
async function* throughProgram(
  chunks: AsyncIterable<Buffer>,
  { program, packageName }: { program: string; packageName: string },
): AsyncGenerator<Buffer, void, undefined> {
  const decompressor = startProgram(program, ["-dc"], { packageName, stdio: ["pipe", "pipe", "ignore"] });
  // A source that breaks off is one that ends early; a program that takes no more says why by its exit.
  pipeline(chunks, decompressor.stdin).catch(() => undefined);
  try {
    yield* decompressor.stdout as AsyncIterable<Buffer>;
    const { status } = await decompressor.exited;
    if (status !== 0) throw invalidArgument(`invalid archive: ${program} cannot decompress it: it is damaged or ends early`);
  } finally {
    decompressor.abandon();
  }
}

/** As many as tell how an archive is compressed. */
const magicBytes = 6;

/** That many bytes or more, as they come; fewer of a source that ends before. */
async function firstBytes(chunks: AsyncIterator<Buffer>, least: number): Promise<Buffer> {
  const head: Buffer[] = [];
  for (let count = 0; count < least;) {
    const { done, value } = await chunks.next();
    if (done) break;
    head.push(value);
    count += value.length;
  }
  return Buffer.concat(head);
}

async function* continued(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield head;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}
