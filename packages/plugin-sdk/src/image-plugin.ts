import type { Awaitable, PluginCall } from "./plugin-call.ts";

/** An image that somebody wants. */
export interface ImageRequest {
  /** As people write it: `busybox:latest`, `registry.example.com/team/app@sha256:…`; with neither tag nor digest it is all tags. */
  reference: string;
  /** As `linux/amd64`; empty: the machine's own. */
  platform: string;
}

/** An image whose content is in the store. */
export interface StoredImage {
  /** As people write it: `busybox:latest`, `registry.example.com/team/app:v2`. */
  readonly reference: string;
  readonly digest: string;
  /** As `linux/amd64` or `linux/arm/v7`. */
  readonly platform: string;
  readonly sizeBytes: number;
  /** The OCI image configuration. */
  readonly config: unknown;
}

/** A pulled image. */
export interface PulledImage extends StoredImage {
  /** Applies the content to another snapshotter. */
  unpack(snapshotter: string): Promise<void>;
  isUnpacked(snapshotter: string): Promise<boolean>;
}

/** Points in the life of an image. */
export interface ImagePlugin {
  /**
   * Every pull, by Kubernetes too, before the registry is asked. Reference and platform may be changed; the image is then stored by the name it was
   * pulled by, and who asked for another finds none by that. The client's credentials do not go to another registry. A throw fails the pull.
   */
  prePull?(request: ImageRequest, call: PluginCall): Awaitable<ImageRequest | void>;
  /**
   * Content is fetched and unpacked into `snapshotter`; the pull is not yet reported complete. A throw fails the pull towards
   * the client; the content stays for the next try.
   */
  postPull?(snapshotter: string, image: PulledImage, call: PluginCall): Awaitable<void>;
  /** Each tag of a push, before the registry is asked and before any tag is pushed. A throw fails the push. */
  prePush?(pushed: Readonly<StoredImage>, call: PluginCall): Awaitable<void>;
}
