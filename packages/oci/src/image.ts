import type { Digest } from "./digest.ts";
import type { Platform } from "./platform.ts";

/** Content descriptor (OCI image spec, `descriptor.md`). */
export interface ContentDescriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  urls?: string[];
  annotations?: Record<string, string>;
  platform?: Platform;
}

/** An image manifest, OCI or Docker schema 2: both have these fields. */
export interface ImageManifest {
  schemaVersion: 2;
  mediaType?: string;
  /** What it is, where it is no container image (OCI image spec, `manifest.md`). */
  artifactType?: string;
  config: ContentDescriptor;
  layers: ContentDescriptor[];
  annotations?: Record<string, string>;
}

/** An image index or manifest list. */
export interface ImageIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: ContentDescriptor[];
  annotations?: Record<string, string>;
}

export interface ImageHealthcheck {
  Test?: string[];
  /** Nanoseconds, as all durations here. */
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** What a container gets from its image (OCI image spec, `config.md`, with Docker's additions). */
export interface ImageRunConfig {
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  Healthcheck?: ImageHealthcheck;
  Shell?: string[];
  OnBuild?: string[];
  ArgsEscaped?: boolean;
}

export interface ImageHistoryEntry {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** The image configuration blob; its digest is the image id. */
export interface ImageConfigFile extends Platform {
  created?: string;
  author?: string;
  comment?: string;
  docker_version?: string;
  config?: ImageRunConfig;
  rootfs: { type: "layers"; diff_ids: Digest[] };
  history?: ImageHistoryEntry[];
}
