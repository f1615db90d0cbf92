import type * as api from "@pouchcontainer/api";
import type { TraceEntry } from "../plugin-host/trace.ts";
import type { LegacyLink } from "./config/legacy-links.ts";
import type { CriRecord } from "./cri-settings.ts";
import type { PodMembership } from "./pod-membership.ts";

/**
 * Everything that is remembered of one container: what the store keeps between daemon starts (`ContainerRecord`) and what
 * lives in memory only (`execIds`). Fields hold normalised values: readers never apply defaults again. A record is never
 * changed in place: a change is a new object (the store and the list's cache rely on it).
 */
export interface ContainerRecord {
  /** 64 lower-case hex digits. */
  id: string;
  /** Without the leading slash of the API. */
  name: string;
  /** RFC 3339 with nanoseconds, UTC. */
  created: string;
  /** The create body's upper part merged with the image's configuration. */
  config: api.ContainerConfig;
  /** All of Docker's defaults filled in. */
  hostConfig: api.HostConfig;
  /** What create asked of networks, and what was connected and disconnected since. */
  networkingConfig: api.NetworkingConfig;
  /** Something was connected or disconnected: `networkingConfig` names all networks, that of the mode too if it still is one. */
  endpointsSettled?: boolean;
  /** Containers this one was linked to (`--link`) outside user-defined networks. */
  links?: LegacyLink[];
  image: ImageOfContainer;
  snapshotter: string;
  /** What inspect shows as `Driver`: the storage driver, which is the snapshotter's name. */
  driver: string;
  /** Resolved at create: binds, volumes (anonymous ones included), tmpfs of `Mounts`. */
  mountPoints: MountPointRecord[];
  state: ContainerState;
  /** Starts by the restart policy since the last start by hand. */
  restartCount: number;
  /** Stopped through the API: `unless-stopped` and `always` look at it. */
  manuallyStopped: boolean;
  /** First word of the command line; inspect's `Path`. */
  path: string;
  /** The rest of it. */
  args: string[];
  logPath: string;
  hostnamePath: string;
  hostsPath: string;
  resolvConfPath: string;
  /** `linux`, or `linux/arm64/v8` where one was asked for. */
  platform: string;
  /** Calls of plugins that shaped this container's create, newest last. */
  trace?: TraceEntry[];
  /**
   * A removal has begun, and this was asked of it: whoever finds it unfinished finishes it so. `promised`: who asked was told that it is
   * gone, and nobody is shown it any more.
   */
  removal?: { volumes: boolean; promised?: boolean };
  /** An update that may not be in force yet, by what it is to be undone with. */
  updating?: Pick<ContainerRecord, "hostConfig" | "config" | "cri"> | undefined;
  /** Frozen for a commit, and to be thawed when that is over or cut short. */
  frozenForCommit?: boolean | undefined;
  /** The build it runs a step of, as long as that lasts: it is removed when the daemon does not live to end it. */
  build?: string | undefined;
  /** Warnings create returned, kept for CRI and inspect. */
  warnings?: string[];
  /** The pod it belongs to, and what it has from it. */
  pod?: PodMembership;
  /** What was asked for over CRI that `hostConfig` has no word for. */
  cri?: CriRecord;
  /** Who its first process ran as at the last start; of containers of pods. */
  processUser?: { uid: number; gid: number; additionalGids: readonly number[] };
}

/** Where the container's files came from. */
export interface ImageOfContainer {
  /** `sha256:…` of the image configuration. */
  id: string;
  /** As the user wrote it; inspect's `Config.Image`. */
  reference: string;
  manifestDigest: string;
  /** Parent of the container's snapshot; empty for an image without layers. */
  chainId: string;
}

export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

export interface ContainerState {
  status: ContainerStatus;
  /** 0 unless running. */
  pid: number;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  /** RFC 3339; `0001-01-01T00:00:00Z` when it never happened, as Go writes the zero time. */
  startedAt: string;
  finishedAt: string;
  /** Present when the container has a health check. */
  health?: HealthRecord;
}

export interface HealthRecord {
  status: "starting" | "healthy" | "unhealthy";
  failingStreak: number;
  /** The last five probes, oldest first. */
  log: { start: string; end: string; exitCode: number; output: string }[];
}

/** One mount below the container's root, as `Mounts` of inspect shows it, plus what the spec needs. */
export interface MountPointRecord {
  type: "bind" | "volume" | "tmpfs";
  /** Name of the volume. */
  name?: string;
  /** Path on the host; empty for tmpfs. */
  source: string;
  destination: string;
  /** Volume driver. */
  driver?: string;
  /** The mode text of a bind (`ro,z`), as inspect shows it. */
  mode: string;
  rw: boolean;
  propagation: string;
  /** The request it came from, for `Mounts` entries. */
  spec?: api.Mount;
  /** An empty volume is filled from the image before the first start. */
  copyData?: boolean;
  /** A missing source folder of a bind is made at start (`-v`, and `--mount` with `bind-create-src`). */
  createSource?: boolean;
  /** Made for this container alone: removed with it when asked (`rm -v`, `--rm`). */
  anonymous?: boolean;
}

/** Whether it was ever started, with or without success: before that it has no files and no networks. */
export function wasStarted({ status, startedAt, error }: ContainerState): boolean {
  return status !== "created" || startedAt !== zeroTime || error !== "";
}

/** A removal of it has begun, and can only go on. */
export function isHalfRemoved({ status }: ContainerState): boolean {
  return status === "removing" || status === "dead";
}

/** Whether somebody was told that it is gone. */
export function isPromisedGone({ removal }: Pick<ContainerRecord, "removal">): boolean {
  return removal?.promised === true;
}

/** Go's zero time, which Docker prints for "never". */
export const zeroTime = "0001-01-01T00:00:00Z";

/** Lives in memory only. */
export interface LiveContainer {
  readonly record: ContainerRecord;
  /** Exec instances, shown by inspect while they exist. */
  readonly execIds: Set<string>;
}
