import { createHash, randomBytes } from "node:crypto";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { MediaType, type ContentDescriptor, type Digest } from "@pouchcontainer/oci";
import type { ImageServices } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";

/** A layer in the content store, and what it is called by what is in it. */
export interface NewLayer {
  descriptor: ContentDescriptor;
  diffId: Digest;
}

/** Of a tar with nothing in it: an image has no layer for that (moby, `layer.DigestSHA256EmptyTar`). */
const emptyTar = `sha256:${createHash("sha256").update(Buffer.alloc(1024)).digest("hex")}`;

/** Puts a plain tar into the content store, compressed with gzip and held by the lease; undefined when nothing is in it. */
export async function writeLayer(
  { content }: Pick<ImageServices, "content">,
  lease: Lease,
  tar: Readable,
  signal: AbortSignal,
): Promise<NewLayer | undefined> {
  const ref = `pouch-layer-${randomBytes(8).toString("hex")}`;
  const writer = await content.openWriter(ref, {}, { leaseId: lease.id, signal });
  const plain = createHash("sha256");
  const compressed = createHash("sha256");
  let size = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      plain.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(
      tar,
      count,
      createGzip({ chunkSize: 256 * 1024 }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          compressed.update(chunk);
          size += chunk.length;
          await writer.write(chunk);
        }
      },
      { signal },
    );
    const diffId = `sha256:${plain.digest("hex")}`;
    const digest = `sha256:${compressed.digest("hex")}`;
    if (diffId === emptyTar) {
      await writer.abort();
      return undefined;
    }
    await lease.holdContent(digest);
    await writer.commit({ size, digest });
    return { descriptor: { mediaType: MediaType.ociLayerGzip, digest, size }, diffId };
  } catch (error) {
    await content.abort(ref).catch(() => undefined);
    throw error;
  }
}
