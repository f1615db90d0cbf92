import type { ImageRunConfig } from "@pouchcontainer/oci";

/** What containers are made from of an image's configuration. */
export type ImageConfig = ImageRunConfig;

export interface ResolvedImage {
  /** Image id: digest of the configuration blob, `sha256:…`. */
  id: string;
  /** Normalised reference it was found by, for example `docker.io/library/busybox:latest`. */
  reference: string;
  /** Digest of the manifest (of this platform). */
  manifestDigest: string;
  architecture: string;
  os: string;
  variant?: string;
  config: ImageConfig;
  /** Chain id of the top layer: the parent of a container's snapshot; empty for an image without layers. */
  chainId: string;
}

/** What the container room asks of the image room. */
export interface ImageSource {
  /** Throws `notFound` with Docker's words (`No such image: busybox:latest`) when it is not here. Accepts name, tag, digest, id, short id. */
  resolve(reference: string, platform?: string): Promise<ResolvedImage>;
  /** Makes sure the layers are unpacked for this snapshotter. */
  ensureUnpacked(image: ResolvedImage, snapshotter: string, signal?: AbortSignal): Promise<void>;
}
