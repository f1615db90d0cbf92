import { internal } from "@pouchcontainer/errors";
import type { ContentDescriptor } from "@pouchcontainer/oci";
import { describeNetworkError } from "./http-error.ts";
import type { OpenedBlob, RegistryClient } from "./registry-client.ts";
import { delayMs, isTransient, type Clock } from "./retry.ts";

export interface BlobCopyDeps {
  client: Pick<RegistryClient, "openBlob">;
  clock: Clock;
}

export interface BlobCopy {
  descriptor: ContentDescriptor;
  onBytes?: (current: number) => void;
  signal: AbortSignal;
}

/** Where a blob is written to, in order. */
export interface BlobSink {
  /** Bytes that are there already. */
  readonly offset: number;
  write(chunk: Uint8Array): Promise<void>;
}

/** More bytes came than the descriptor promises. */
export class OversizedBlob extends Error {}

/** Faults in a row, without a byte between them, until a download is given up. */
const attemptLimit = 5;

/**
 * Writes the rest of a blob into a sink, as many bytes as its descriptor promises; a broken connection is taken up at the byte it broke
 * at. Whether they are the right ones is the caller's to check.
 */
export async function copyBlob(deps: BlobCopyDeps, blob: BlobCopy, sink: BlobSink): Promise<void> {
  const { descriptor, signal } = blob;
  let faults = 0;
  while (sink.offset < descriptor.size) {
    const before = sink.offset;
    try {
      const opened = await deps.client.openBlob(descriptor.digest, before, signal);
      await copy(opened, blob, sink);
      if (sink.offset < descriptor.size) throw describeNetworkError("GET", opened.url, new Error("unexpected EOF"));
    } catch (error) {
      signal.throwIfAborted();
      if (!isTransient(error)) throw error;
      faults = sink.offset > before ? 1 : faults + 1;
      if (faults >= attemptLimit) throw error;
      await deps.clock.sleep(delayMs(faults - 1, error), signal);
    }
  }
}

async function copy(blob: OpenedBlob, { descriptor, onBytes, signal }: BlobCopy, sink: BlobSink): Promise<void> {
  // A server without ranges sends everything: what is here already is passed over.
  let skip = sink.offset - blob.start;
  if (skip < 0) {
    blob.body.destroy();
    throw internal(`the registry answered a request for ${descriptor.digest} from byte ${sink.offset} with byte ${blob.start}`);
  }
  const chunks: AsyncIterator<Buffer> = blob.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      // Told apart here: a fault of the network is retried, one of the sink is not.
      const next = await chunks.next().catch((error: unknown) => {
        signal.throwIfAborted();
        throw describeNetworkError("GET", blob.url, error);
      });
      if (next.done === true) return;
      const chunk = skip > 0 ? next.value.subarray(Math.min(skip, next.value.length)) : next.value;
      skip -= next.value.length - chunk.length;
      if (sink.offset + chunk.length > descriptor.size)
        throw new OversizedBlob(`the registry sends more than the ${descriptor.size} bytes promised`);
      if (chunk.length > 0) await sink.write(chunk);
      onBytes?.(sink.offset);
    }
  } finally {
    blob.body.destroy();
  }
}
