import { internal, invalidArgument } from "@pouchcontainer/errors";
import { digestAlgorithm, digestHex, type ContentDescriptor } from "@pouchcontainer/oci";
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { copyBlob, OversizedBlob, type BlobCopyDeps } from "../../registry/copy-blob.ts";

/** A blob in memory, its digest checked; one of more than `limit` bytes is not asked for. */
export async function readBlob(
  deps: BlobCopyDeps,
  descriptor: ContentDescriptor,
  limit: number,
  signal: AbortSignal,
): Promise<Buffer> {
  if (descriptor.size > limit)
    throw invalidArgument(`${descriptor.digest} has ${descriptor.size} bytes, at most ${limit} are taken of such a part`);
  const chunks: Uint8Array[] = [];
  await readChecked(deps, { descriptor, signal }, async (chunk) => {
    chunks.push(chunk);
  });
  return Buffer.concat(chunks);
}

/** A blob in a new file, its digest checked. */
export async function saveBlob(
  deps: BlobCopyDeps,
  blob: { descriptor: ContentDescriptor; onBytes: (current: number) => void; signal: AbortSignal },
  file: string,
): Promise<void> {
  await using written = await open(file, "wx", 0o600);
  await readChecked(deps, blob, (chunk) => written.appendFile(chunk));
}

async function readChecked(
  deps: BlobCopyDeps,
  blob: { descriptor: ContentDescriptor; onBytes?: (current: number) => void; signal: AbortSignal },
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const { digest } = blob.descriptor;
  const hash = createHash(digestAlgorithm(digest));
  const sink = {
    offset: 0,
    async write(chunk: Uint8Array): Promise<void> {
      await take(chunk);
      hash.update(chunk);
      sink.offset += chunk.length;
    },
  };
  try {
    await copyBlob(deps, blob, sink);
  } catch (error) {
    if (error instanceof OversizedBlob) throw internal(`${digest}: ${error.message}`, { cause: error });
    throw error;
  }
  if (hash.digest("hex") !== digestHex(digest)) throw internal(`what the registry sent as ${digest} has another digest`);
}
