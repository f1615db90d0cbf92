import { internal, invalidArgument, isKind } from "@pouchcontainer/errors";
import type { ContentWriter } from "@pouchcontainer/containerd";
import type { ContentDescriptor } from "@pouchcontainer/oci";
import { contentSize, type ImageServices } from "../containerd-services.ts";
import { copyBlob, OversizedBlob, type BlobCopy, type BlobCopyDeps } from "../../registry/copy-blob.ts";
import { delayMs } from "../../registry/retry.ts";

export interface BlobDownloadDeps extends BlobCopyDeps {
  content: ImageServices["content"];
}

export interface BlobDownload extends BlobCopy {
  labels: Record<string, string>;
  onVerify?: () => void;
}

/** Name of the ingestion: the same every time, so that a later pull goes on where this one stopped. */
export function ingestionOf(digest: string): string {
  return `pouch-${digest}`;
}

/**
 * Streams a blob from the registry into the content store. A broken connection is taken up at the byte it broke at. When it
 * fails or is cancelled the ingestion stays for the next try, unless its bytes turned out to be wrong. The caller holds the
 * digest, by a lease or by labels of what is held, before it is there: the collector must not come between.
 */
export async function downloadBlob(deps: BlobDownloadDeps, download: BlobDownload): Promise<void> {
  if (await adoptContent(deps.content, download)) return;
  const resumed = await ingest(deps, download);
  // Old bytes may have been the bad ones: once more from the start.
  if (resumed === "badResume" && (await ingest(deps, download)) === "badResume") throw badBlob(download.descriptor.digest);
}

/** Labels a blob that is here already. Whoever speaks of it has to know its size, as if it were downloaded: sizes decide what is read. */
export async function adoptContent(
  content: ImageServices["content"],
  { descriptor: { digest, size }, labels }: Pick<BlobDownload, "descriptor" | "labels">,
): Promise<boolean> {
  const actual = await contentSize(content, digest);
  if (actual === undefined) return false;
  if (actual !== size)
    throw invalidArgument(`invalid image: its manifest says that ${digest} has ${size} bytes, and it has ${actual}`);
  await content.updateLabels(digest, labels);
  return true;
}

function badBlob(digest: string): Error {
  return internal(`filesystem layer verification failed for digest ${digest}`);
}

async function ingest(deps: BlobDownloadDeps, download: BlobDownload): Promise<"done" | "badResume"> {
  const { descriptor, signal } = download;
  const closing = new AbortController();
  let writer: ContentWriter;
  try {
    // Its own signal, not a lease: an ingestion under a lease would go with the lease.
    writer = await openWriter(deps, descriptor, closing.signal, signal);
  } catch (error) {
    if (isKind(error, "alreadyExists") && (await adoptContent(deps.content, download))) return "done";
    throw error;
  }
  const start = writer.offset;
  try {
    if (start > descriptor.size) {
      await writer.abort();
      return "badResume";
    }
    await copyBlob(deps, download, writer);
    download.onVerify?.();
    await writer.commit({ size: descriptor.size, digest: descriptor.digest, labels: download.labels });
    return "done";
  } catch (error) {
    signal.throwIfAborted();
    if (!isWrongContent(error)) throw error;
    await deps.content.abort(ingestionOf(descriptor.digest)).catch(() => undefined);
    if (start > 0) return "badResume";
    throw internal(`filesystem layer verification failed for digest ${descriptor.digest}`, { cause: error });
  } finally {
    closing.abort();
  }
}

/** containerd refuses a commit whose size or digest is not the promised one. */
function isWrongContent(error: unknown): boolean {
  return isKind(error, "failedPrecondition", "invalidArgument") || error instanceof OversizedBlob;
}

/** A writer that was let go a moment ago may still hold the ingestion. */
async function openWriter(
  deps: BlobDownloadDeps,
  descriptor: ContentDescriptor,
  closing: AbortSignal,
  signal: AbortSignal,
): Promise<ContentWriter> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await deps.content.openWriter(
        ingestionOf(descriptor.digest),
        { size: descriptor.size, digest: descriptor.digest },
        { signal: closing },
      );
    } catch (error) {
      if (!isKind(error, "unavailable") || attempt >= 10) throw error;
      await deps.clock.sleep(delayMs(attempt, error) / 4, signal);
    }
  }
}
