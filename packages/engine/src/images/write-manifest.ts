import { digestOf, MediaType, type ContentDescriptor, type ImageManifest } from "@pouchcontainer/oci";
import { gcLabels, type ImageServices } from "./containerd-services.ts";
import type { Lease } from "./lease.ts";

/** Stores a manifest made here, labelled for the collector. */
export async function writeManifest(
  { content, lease, signal }: { content: ImageServices["content"]; lease: Lease; signal: AbortSignal },
  manifest: ImageManifest,
): Promise<{ target: ContentDescriptor; manifestDescriptor: ContentDescriptor }> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const target = { mediaType: MediaType.ociManifest, digest: digestOf(bytes), size: bytes.length };
  const labels = manifest.layers.map((layer, index): [string, string] => [gcLabels.layer(index), layer.digest]);
  await lease.holdContent(target.digest);
  await content.writeBlob(
    { bytes, digest: target.digest, labels: { [gcLabels.config]: manifest.config.digest, ...Object.fromEntries(labels) } },
    { leaseId: lease.id, signal },
  );
  return { target, manifestDescriptor: target };
}
