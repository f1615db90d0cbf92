import { formatReference, type ImageConfigFile } from "@pouchcontainer/oci";
import { packedBytesOf } from "./image-documents.ts";
import { isTagged, type StoredImage } from "./image-store.ts";

/** An image with its names in full, for doors that do not speak Docker's short ones. */
export interface ImageView {
  /** Digest of the config. */
  id: string;
  /** `docker.io/library/busybox:latest`. */
  tags: string[];
  /** `docker.io/library/busybox@sha256:…`. */
  digests: string[];
  /** Bytes of manifest, config and layers as they are stored and were sent: layers usually compressed. */
  packedBytes: number;
  /** Chain id of the top layer. */
  chainId: string;
  config: ImageConfigFile;
}

export function viewOf(image: StoredImage): ImageView {
  const { manifest, manifestDescriptor } = image;
  const names = (tagged: boolean): string[] =>
    image.names.filter((name) => isTagged(name) === tagged).map(({ reference }) => formatReference(reference));
  return {
    id: image.id,
    tags: names(true),
    digests: names(false),
    packedBytes: manifestDescriptor.size + packedBytesOf(manifest),
    chainId: image.chainId,
    config: image.config,
  };
}
