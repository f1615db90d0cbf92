import type * as api from "@pouchcontainer/api";
import type { Readable, Writable } from "node:stream";

/** What the HTTP server needs of the engine, one interface per resource; the engine's managers satisfy them structurally. */

/** Docker's `filters` query: key → values. */
export type Filters = api.FilterMap;

/** One piece of container output. With a TTY everything is `stdout`. */
export interface OutputChunk {
  stream: "stdout" | "stderr";
  data: Uint8Array;
  /** Where each message ends in `data`, when it holds several (lines of a log): each is a frame of its own. */
  ends?: number[];
}

/** A live connection to a process: output to the client, input from it. */
export interface StdioSession {
  /** Whether the process has a TTY. */
  tty: boolean;
  /** Output, in order; ends when the process's output does. Backpressure holds. */
  output: AsyncIterable<OutputChunk>;
  /**
   * Absent when stdin is not attached. Ending it closes the process's stdin where StdinOnce asks for it. The detach keys, looked
   * for here alone, end `output`.
   */
  input?: Writable;
  /** Lets go of the process: the client went away. Never stops it. */
  close(): void;
  /** Called once, with how to see that the client has read all output that was taken. Absent where nobody asks for it. */
  served?(client: { hasRead: () => boolean }): void;
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Replay what was logged before. */
  logs: boolean;
  /** Stay connected for what comes. */
  stream: boolean;
  detachKeys?: string;
}

export interface LogsOptions {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  details: boolean;
  /** Number of lines from the end, absent for all. */
  tail?: number;
  /** Nanoseconds since the epoch. */
  since?: bigint;
  until?: bigint;
}

export interface CommitOptions {
  repository?: string;
  tag?: string;
  author: string;
  comment: string;
  /** Freeze the container meanwhile. */
  pause: boolean;
  /** Instructions of a Dockerfile. */
  changes: readonly string[];
  /** In the place of the container's own. */
  config?: api.ContainerConfig;
}

export interface ContainerBackend {
  /** `readOnlyNonRecursive`: read-only binds are not recursively so unless they ask for it. */
  create(config: api.ContainerCreateConfig, options: { readOnlyNonRecursive: boolean }): Promise<api.ContainerCreateResponse>;
  list(options: { all: boolean; limit?: number; size: boolean; filters: Filters }): Promise<api.ContainerSummary[]>;
  /** The same list with each entry as JSON already: lets an engine keep the text of what did not change. */
  listJson?(options: { all: boolean; limit?: number; size: boolean; filters: Filters }): Promise<string[]>;
  inspect(ref: string, options: { size: boolean }): Promise<api.ContainerInspect>;
  /** Throws `notModified` when it already runs. */
  /** `hostConfig` takes the place of the one from create. */
  start(ref: string, options: { detachKeys?: string; hostConfig?: api.HostConfig }): Promise<void>;
  /** Throws `notModified` when it does not run. `timeoutSeconds` -1 waits for ever. */
  stop(ref: string, options: { signal?: string; timeoutSeconds?: number }): Promise<void>;
  restart(ref: string, options: { signal?: string; timeoutSeconds?: number }): Promise<void>;
  kill(ref: string, options: { signal?: string }): Promise<void>;
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  remove(ref: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  /**
   * `registered` resolves when the wait is in place (the server sends its headers then: `docker run` relies on it);
   * `result` with the exit.
   */
  wait(
    ref: string,
    condition: "not-running" | "next-exit" | "removed",
    signal: AbortSignal,
  ): { registered: Promise<void>; result: Promise<api.ContainerWaitResponse> };
  attach(ref: string, options: AttachOptions): Promise<StdioSession>;
  /** `signal` ends a follow. */
  logs(ref: string, options: LogsOptions, signal: AbortSignal): Promise<{ tty: boolean; output: AsyncIterable<OutputChunk> }>;
  resize(ref: string, size: { width: number; height: number }): Promise<void>;
  top(ref: string, psArgs: string): Promise<api.ContainerTopResponse>;
  stats(ref: string, options: { stream: boolean; oneShot: boolean }, signal: AbortSignal): AsyncIterable<api.ContainerStats>;
  /** `json` is a list of `FilesystemChange` with `count` items. */
  changes(ref: string, signal: AbortSignal): Promise<{ count: number; json: Readable }>;
  exportFilesystem(ref: string): Promise<Readable>;
  /** Makes an image of it; returns the image's id. */
  commit(ref: string, options: CommitOptions, signal: AbortSignal): Promise<string>;
  archiveStat(ref: string, path: Buffer): Promise<api.ContainerPathStat>;
  archiveGet(ref: string, path: Buffer): Promise<{ stat: api.ContainerPathStat; tar: Readable }>;
  archivePut(
    ref: string,
    path: Buffer,
    tar: Readable,
    options: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
  ): Promise<void>;
  /** The raw body: `container.preUpdate` sees it before anything decodes it. */
  update(ref: string, body: Readable): Promise<api.ContainerUpdateResponse>;
  prune(filters: Filters): Promise<api.ContainerPruneResponse>;
}

export interface ExecBackend {
  create(containerRef: string, config: api.ExecCreateConfig): Promise<{ Id: string }>;
  /** Rejects with what refuses a start before the connection is taken over: no such exec, a container that does not run. */
  admit(id: string): Promise<void>;
  /** Resolves when the process runs. Rejects when it could not be started. */
  start(id: string, options: { consoleSize?: { width: number; height: number } }): Promise<StdioSession>;
  /** The same with nobody connected to its streams. */
  startDetached(id: string, options: { consoleSize?: { width: number; height: number } }): Promise<void>;
  resize(id: string, size: { width: number; height: number }): Promise<void>;
  inspect(id: string): Promise<api.ExecInspect>;
}

/** Progress lines exactly as Docker's JSON stream has them. */
export type ProgressSink = (line: api.JsonMessage) => void;

export interface ImageBackend {
  list(options: { all: boolean; digests: boolean; sharedSize: boolean; filters: Filters }): Promise<api.ImageSummary[]>;
  inspect(ref: string, options: { platform?: string }): Promise<api.ImageInspect>;
  history(ref: string): Promise<api.ImageHistoryItem[]>;
  pull(
    request: { reference: string; tag?: string; platform?: string; auth?: api.AuthConfig },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void>;
  push(
    request: { reference: string; tag?: string; platform?: string; auth?: api.AuthConfig },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void>;
  load(tar: Readable, options: { quiet: boolean; platform?: string }, progress: ProgressSink, signal: AbortSignal): Promise<void>;
  /** `source`: `-` for the body, or an address. */
  importImage(
    request: {
      source: string;
      repository?: string;
      tag?: string;
      platform?: string;
      message: string;
      changes: readonly string[];
    },
    body: Readable,
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void>;
  save(refs: string[], options: { platform?: string }, signal: AbortSignal): Promise<Readable>;
  tag(source: string, target: { repository: string; tag?: string }): Promise<void>;
  remove(ref: string, options: { force: boolean; noPrune: boolean }): Promise<api.ImageDeleteItem[]>;
  prune(filters: Filters): Promise<api.ImagePruneResponse>;
}

/** What `POST /build` asks for; the engine's own description of each field is the one that counts. */
export interface BuildRequest {
  id?: string;
  remote?: string;
  dockerfile: string;
  names: readonly string[];
  target?: string;
  platform?: string;
  quiet: boolean;
  useCache: boolean;
  cacheFrom: readonly string[];
  pull: boolean;
  remove: boolean;
  forceRemove: boolean;
  arguments: ReadonlyMap<string, string | undefined>;
  labels: Record<string, string>;
  hostConfig: api.HostConfig;
  credentials: Readonly<Record<string, api.AuthConfig>>;
}

export interface BuildBackend {
  /** `sink` resolves when the client has room for more. */
  build(
    request: BuildRequest,
    body: Readable,
    sink: (line: api.JsonMessage) => Promise<void> | void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Calls off the build of this id, if there is one. */
  cancel(id: string): void;
  pruneCache(): Promise<api.BuildPruneResponse>;
}

export interface VolumeBackend {
  create(config: api.VolumeCreateConfig): Promise<api.Volume>;
  list(filters: Filters): Promise<api.VolumeListResponse>;
  inspect(name: string): Promise<api.Volume>;
  remove(name: string, options: { force: boolean }): Promise<void>;
  prune(filters: Filters): Promise<api.VolumePruneResponse>;
}

export interface NetworkBackend {
  create(config: api.NetworkCreateConfig): Promise<api.NetworkCreateResponse>;
  list(filters: Filters): Promise<api.NetworkInspect[]>;
  inspect(ref: string, options: { verbose: boolean; scope?: string }): Promise<api.NetworkInspect>;
  connect(ref: string, request: api.NetworkConnectRequest): Promise<void>;
  disconnect(ref: string, request: api.NetworkDisconnectRequest): Promise<void>;
  remove(ref: string): Promise<void>;
  prune(filters: Filters): Promise<api.NetworkPruneResponse>;
}

export interface SystemBackend {
  info(): Promise<api.SystemInfo>;
  version(): Promise<api.SystemVersion>;
  diskUsage(types: string[]): Promise<api.DiskUsage>;
  /** Answers whether the daemon can serve: containerd answers and the store is open. */
  ping(): Promise<void>;
  /** Past events from `since`, then live ones until `until` or the signal. */
  events(options: { since?: number; until?: number; filters: Filters }, signal: AbortSignal): AsyncIterable<api.EventMessage>;
  checkAuth(auth: api.AuthConfig): Promise<api.AuthResponse>;
  /** A consistent copy of the store. */
  backup(): Promise<{ content: Readable; sizeBytes: number }>;
}

/** Containers that were found without a record; an id may be cut short. */
export interface OrphanBackend {
  list(): Promise<api.Orphan[]>;
  adopt(ref: string): Promise<void>;
  remove(ref: string): Promise<void>;
}

/** Operator's side of the plugin framework (`/plugins…`); Docker's shape where Docker has one. */
export interface PluginBackend {
  list(filters: Filters): Promise<api.Plugin[]>;
  inspect(name: string): Promise<api.Plugin>;
  enable(name: string, options: { timeoutSeconds?: number }): Promise<void>;
  disable(name: string, options: { force: boolean }): Promise<void>;
  remove(name: string, options: { force: boolean }): Promise<api.Plugin>;
  /** What a pull has to grant. */
  pullPrivileges(request: { remote: string; auth?: api.AuthConfig }, signal: AbortSignal): Promise<api.PluginPrivilege[]>;
  /** Installs a registry's plugin; `named` is called before the first line of progress. */
  pull(
    request: {
      remote: string;
      name?: string;
      enable?: boolean;
      mode?: "active" | "shadow";
      privileges: "all" | api.PluginPrivilege[];
      auth?: api.AuthConfig;
      named: (name: string) => void;
    },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void>;
  push(
    name: string,
    request: { remote?: string; auth?: api.AuthConfig },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface Backend {
  containers: ContainerBackend;
  exec: ExecBackend;
  images: ImageBackend;
  builds: BuildBackend;
  volumes: VolumeBackend;
  networks: NetworkBackend;
  system: SystemBackend;
  orphans: OrphanBackend;
  plugins: PluginBackend;
}
