import type { Mount } from "@pouchcontainer/containerd";

/** The part of an OCI image configuration containers are made from (OCI image spec, `config.md`). */
export interface ImageConfig {
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  Healthcheck?: {
    Test?: string[];
    Interval?: number;
    Timeout?: number;
    StartPeriod?: number;
    StartInterval?: number;
    Retries?: number;
  };
  Shell?: string[];
  OnBuild?: string[];
  ArgsEscaped?: boolean;
}

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

export type { Mount };
