import { Readable } from "node:stream";
import type { BlobSource } from "./upload-blob.ts";

/** Bytes in memory. */
export function sourceOf(bytes: Uint8Array): BlobSource {
  return { sizeBytes: bytes.length, open: (offset) => Readable.from([bytes.subarray(offset)], { objectMode: false }) };
}

/** The source, which says how far it is read each time. */
export function countedSource(source: BlobSource, onBytes: (current: number) => void): BlobSource {
  const open = (offset: number): Readable => Readable.from(counting(source.open(offset), offset, onBytes), { objectMode: false });
  return { sizeBytes: source.sizeBytes, open };
}

async function* counting(
  bytes: AsyncIterable<Uint8Array>,
  offset: number,
  onBytes: (current: number) => void,
): AsyncGenerator<Uint8Array> {
  let current = offset;
  for await (const chunk of bytes) {
    current += chunk.length;
    onBytes(current);
    yield chunk;
  }
}
