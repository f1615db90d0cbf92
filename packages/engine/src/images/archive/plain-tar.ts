import { pipeline } from "node:stream/promises";
import { PassThrough, type Duplex, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { invalidArgument } from "@pouchcontainer/errors";
import { decompressionPrograms } from "@pouchcontainer/files";
import { detectCompression, type Compression } from "@pouchcontainer/oci";
import { startProgram } from "@pouchcontainer/owners";

/** A step of a pipeline that gives an archive out plain. */
type Decompressor = Duplex | ((chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer, void, undefined>);

/**
 * An archive's bytes, and the step that makes a plain one of them, whichever way its beginning says it is compressed. The source is not
 * destroyed when its rest is not read.
 */
export async function plainTar(
  source: Readable,
): Promise<{ chunks: AsyncIterable<Buffer>; plain: Decompressor; isEmpty: boolean }> {
  const chunks: AsyncIterator<Buffer> = source.iterator({ destroyOnReturn: false });
  const head = await firstBytes(chunks, magicBytes);
  return { chunks: continued(head, chunks), plain: decompressed(detectCompression(head)), isEmpty: head.length === 0 };
}

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
