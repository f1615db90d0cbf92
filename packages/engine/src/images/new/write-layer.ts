import { createHash, randomBytes } from "node:crypto";
import { addAbortSignal, type Readable } from "node:stream";
import { MediaType, type ContentDescriptor } from "@pouchcontainer/oci";
import type { ImageServices } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";

/** Of a tar with nothing in it: an image has no layer for that (moby, `layer.DigestSHA256EmptyTar`). */
const emptyTar = `sha256:${createHash("sha256").update(Buffer.alloc(1024)).digest("hex")}`;

/**
 * Puts a plain tar into the content store as a layer, held by the lease; undefined when nothing is in it. It stays plain, as dockerd's
 * does: to compress it takes many times as long as all the rest, and of a commit the container stands still meanwhile.
 */
export async function writeLayer(
  { content }: Pick<ImageServices, "content">,
  lease: Lease,
  tar: Readable,
  signal: AbortSignal,
): Promise<ContentDescriptor | undefined> {
  const ref = `pouch-layer-${randomBytes(8).toString("hex")}`;
  const writer = await content.openWriter(ref, {}, { leaseId: lease.id, signal });
  const hash = createHash("sha256");
  let size = 0;
  try {
    for await (const chunk of addAbortSignal(signal, tar) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
      await writer.write(chunk);
    }
    const digest = `sha256:${hash.digest("hex")}`;
    if (digest === emptyTar) {
      await writer.abort();
      return undefined;
    }
    await lease.holdContent(digest);
    await writer.commit({ size, digest });
    return { mediaType: MediaType.ociLayer, digest, size };
  } catch (error) {
    await content.abort(ref).catch(() => undefined);
    throw error;
  }
}
