import type { ImageRunConfig, Reference } from "@pouchcontainer/oci";
import type { Readable } from "node:stream";

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

/** An image to be made on top of another one. */
export interface ImageOnTop {
  /** Id of the image below. */
  parent: string;
  /** A layer as a plain tar (OCI image spec, `layer.md`). */
  layer: Readable;
  config: ImageConfig;
  author: string;
  comment: string;
  /** What the history says it was made by. */
  createdBy: string;
}

/** What the container room asks of the image room. */
export interface ImageSource {
  /** Throws `notFound` with Docker's words (`No such image: busybox:latest`) when it is not here. Accepts name, tag, digest, id, short id. */
  resolve(reference: string, platform?: string): Promise<ResolvedImage>;
  /** Makes sure the layers are unpacked for this snapshotter. */
  ensureUnpacked(image: ResolvedImage, snapshotter: string, signal?: AbortSignal): Promise<void>;
  /** The name an image is to get, with Docker's default tag; undefined when none is given. Throws `invalidArgument`. */
  newName(repository: string | undefined, tag: string | undefined): Reference | undefined;
  /** Makes an image; returns its id and, where it got a name, the name as Docker shows it. */
  makeOnTop(image: ImageOnTop, name: Reference | undefined, signal: AbortSignal): Promise<{ id: string; shown: string }>;
}
