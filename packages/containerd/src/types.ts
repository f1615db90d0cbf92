/**
 * What the rest of the engine sees of containerd: plain objects, `AsyncIterable`s and EngineErrors. No Docker word and no
 * gRPC word crosses this line. Every call takes an optional `AbortSignal`; without one it has the client's default deadline.
 */
export interface CallOptions {
  signal?: AbortSignal;
  /** Deadline in milliseconds; default: 30,000, more where whole snapshots are handled, none for reads, writes, waits, events and diffs. */
  timeoutMs?: number;
  /** Lease the call runs under: whatever it creates is held by that lease until the lease goes. */
  leaseId?: string;
}

/** A protobuf Any: containerd packs OCI specs as JSON under a type URL. */
export interface AnyValue {
  typeUrl: string;
  value: Uint8Array;
}

/** content-addressable object: media type, digest (`sha256:…`), size in bytes. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

export interface Mount {
  type: string;
  source: string;
  target?: string;
  options: string[];
}

export interface ContainerRecord {
  id: string;
  labels: Record<string, string>;
  image: string;
  runtime: { name: string; options?: AnyValue };
  /** OCI runtime spec as JSON value. */
  spec: unknown;
  snapshotter: string;
  snapshotKey: string;
  createdAt?: Date;
}

export type TaskStatus = "unknown" | "created" | "running" | "stopped" | "paused" | "pausing";

export interface TaskState {
  containerId: string;
  execId: string;
  pid: number;
  status: TaskStatus;
  exitStatus: number;
  exitedAt?: Date;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

export interface TaskExit {
  exitStatus: number;
  exitedAt: Date;
}

export interface StdioPaths {
  stdin?: string;
  stdout?: string;
  stderr?: string;
  terminal: boolean;
}

export interface ContainersService {
  get(id: string, options?: CallOptions): Promise<ContainerRecord>;
  /** `filters` in containerd's filter language, for example `labels."io.pouch"==x`. */
  list(filters?: string[], options?: CallOptions): Promise<ContainerRecord[]>;
  create(record: Omit<ContainerRecord, "createdAt">, options?: CallOptions): Promise<void>;
  /** Changes only the parts and labels given; an empty value removes a label. */
  update(id: string, change: { labels?: Record<string, string>; spec?: unknown }, options?: CallOptions): Promise<void>;
  /** Resolves also when it is already gone. */
  delete(id: string, options?: CallOptions): Promise<void>;
}

export interface TasksService {
  /** Returns the pid of the created (not yet started) init process. */
  create(
    request: { containerId: string; rootfs: Mount[]; stdio: StdioPaths; options?: AnyValue },
    options?: CallOptions,
  ): Promise<number>;
  start(containerId: string, execId?: string, options?: CallOptions): Promise<number>;
  delete(containerId: string, options?: CallOptions): Promise<TaskExit>;
  deleteProcess(containerId: string, execId: string, options?: CallOptions): Promise<TaskExit>;
  get(containerId: string, execId?: string, options?: CallOptions): Promise<TaskState>;
  list(options?: CallOptions): Promise<TaskState[]>;
  /** `all` signals every process of the container. */
  kill(containerId: string, request: { signal: number; execId?: string; all?: boolean }, options?: CallOptions): Promise<void>;
  exec(
    request: { containerId: string; execId: string; process: unknown; stdio: StdioPaths },
    options?: CallOptions,
  ): Promise<void>;
  resizePty(
    containerId: string,
    execId: string | undefined,
    size: { width: number; height: number },
    options?: CallOptions,
  ): Promise<void>;
  closeIO(containerId: string, execId: string | undefined, options?: CallOptions): Promise<void>;
  pause(containerId: string, options?: CallOptions): Promise<void>;
  resume(containerId: string, options?: CallOptions): Promise<void>;
  listPids(containerId: string, options?: CallOptions): Promise<{ pid: number; execId?: string }[]>;
  /** `resources` as in the OCI runtime spec (`linux.resources`). */
  update(containerId: string, resources: unknown, options?: CallOptions): Promise<void>;
  /** One `Any` with cgroup v1 or v2 metrics per container. */
  metrics(containerIds: string[], options?: CallOptions): Promise<{ id: string; timestamp: Date; data: AnyValue }[]>;
  /**
   * Resolves when the process has exited, also when that was long ago; no deadline of its own. Rejects with `unavailable` when
   * containerd goes meanwhile: wait again after `whenReconnected`.
   */
  wait(containerId: string, execId?: string, options?: CallOptions): Promise<TaskExit>;
}

export type SnapshotKind = "view" | "active" | "committed" | "unknown";

export interface SnapshotInfo {
  name: string;
  parent: string;
  kind: SnapshotKind;
  createdAt: Date;
  labels: Record<string, string>;
}

export interface SnapshotsService {
  prepare(key: string, parent: string, labels?: Record<string, string>, options?: CallOptions): Promise<Mount[]>;
  view(key: string, parent: string, labels?: Record<string, string>, options?: CallOptions): Promise<Mount[]>;
  mounts(key: string, options?: CallOptions): Promise<Mount[]>;
  commit(name: string, key: string, labels?: Record<string, string>, options?: CallOptions): Promise<void>;
  /** Resolves also when it is already gone. */
  remove(key: string, options?: CallOptions): Promise<void>;
  stat(key: string, options?: CallOptions): Promise<SnapshotInfo>;
  /** Changes only the labels given; an empty value removes one. */
  updateLabels(key: string, labels: Record<string, string>, options?: CallOptions): Promise<void>;
  list(filters?: string[], options?: CallOptions): Promise<SnapshotInfo[]>;
  usage(key: string, options?: CallOptions): Promise<{ sizeBytes: number; inodes: number }>;
}

export interface ContentInfo {
  digest: string;
  size: number;
  createdAt: Date;
  labels: Record<string, string>;
}

/** An open ingestion. `commit` checks size and digest; `abort` leaves nothing; a writer is closed by either. */
export interface ContentWriter {
  /**
   * Bytes already in the ingestion. A resumed one starts above 0, and at the full size where another namespace has the content:
   * write from here.
   */
  readonly offset: number;
  /** Resolves when more may be written; the bytes must not be changed afterwards. A failed ingestion rejects here or in `commit`. */
  write(chunk: Uint8Array): Promise<void>;
  /** An already present digest is success. */
  commit(expected: {
    size?: number;
    digest?: string;
    labels?: Record<string, string>;
  }): Promise<{ digest: string; size: number }>;
  abort(): Promise<void>;
}

export interface ContentService {
  info(digest: string, options?: CallOptions): Promise<ContentInfo>;
  list(filters?: string[], options?: CallOptions): Promise<ContentInfo[]>;
  /** Resolves also when it is already gone. */
  delete(digest: string, options?: CallOptions): Promise<void>;
  /** Changes only the labels given; an empty value removes one. */
  updateLabels(digest: string, labels: Record<string, string>, options?: CallOptions): Promise<void>;
  read(digest: string, range?: { offset?: number; size?: number }, options?: CallOptions): AsyncIterable<Uint8Array>;
  /** Into memory. Rejects with `ContentTooBig`, before anything is read, where it has more than `limitBytes`. */
  readAll(digest: string, bounds: { limitBytes: number }, options?: CallOptions): Promise<Uint8Array>;
  /**
   * Rejects with `alreadyExists` when the expected digest is there (it is then held by the lease of the call), and with
   * `unavailable` while another writer has the same `ref` open.
   */
  openWriter(ref: string, expected: { size?: number; digest?: string }, options?: CallOptions): Promise<ContentWriter>;
  /** Writes a small blob in one go; an already present digest is success. */
  writeBlob(blob: { bytes: Uint8Array; digest: string; labels?: Record<string, string> }, options?: CallOptions): Promise<void>;
  abort(ref: string, options?: CallOptions): Promise<void>;
}

export interface ImageRecord {
  name: string;
  target: Descriptor;
  labels: Record<string, string>;
  createdAt?: Date;
  updatedAt?: Date;
}

export interface ImagesService {
  get(name: string, options?: CallOptions): Promise<ImageRecord>;
  list(filters?: string[], options?: CallOptions): Promise<ImageRecord[]>;
  create(record: ImageRecord, options?: CallOptions): Promise<void>;
  /** Creates or replaces. */
  put(record: ImageRecord, options?: CallOptions): Promise<void>;
  /** Resolves also when it is already gone. `sync` waits for the garbage collector. */
  delete(name: string, request?: { sync?: boolean }, options?: CallOptions): Promise<void>;
}

export interface DiffService {
  /** Unpacks a layer onto mounts; returns the descriptor of the uncompressed tar (its digest is the diff id). */
  apply(layer: Descriptor, mounts: Mount[], options?: CallOptions): Promise<Descriptor>;
  diff(
    lower: Mount[],
    upper: Mount[],
    request: { mediaType: string; ref: string; labels?: Record<string, string> },
    options?: CallOptions,
  ): Promise<Descriptor>;
}

export interface LeaseResource {
  /** Resource id: a digest, or a snapshot key. */
  id: string;
  /** `content`, `ingests`, `snapshots/<snapshotter>`. */
  type: string;
}

export interface LeasesService {
  create(id: string, labels?: Record<string, string>, options?: CallOptions): Promise<void>;
  delete(id: string, request?: { sync?: boolean }, options?: CallOptions): Promise<void>;
  list(filters?: string[], options?: CallOptions): Promise<{ id: string; labels: Record<string, string>; createdAt: Date }[]>;
  addResource(leaseId: string, resource: LeaseResource, options?: CallOptions): Promise<void>;
  deleteResource(leaseId: string, resource: LeaseResource, options?: CallOptions): Promise<void>;
  listResources(leaseId: string, options?: CallOptions): Promise<LeaseResource[]>;
}

/** A containerd event, decoded where its type is known. */
export type ContainerdEvent = { timestamp: Date; namespace: string; topic: string } & (
  | { type: "taskExit"; containerId: string; execId: string; pid: number; exitStatus: number; exitedAt: Date }
  | { type: "taskOom" | "taskPaused" | "taskResumed"; containerId: string }
  | { type: "taskStart"; containerId: string; pid: number }
  | { type: "other"; event: AnyValue | undefined }
);

export interface ContainerdClient {
  readonly address: string;
  readonly namespace: string;
  readonly containers: ContainersService;
  readonly tasks: TasksService;
  readonly content: ContentService;
  readonly images: ImagesService;
  readonly diff: DiffService;
  readonly leases: LeasesService;
  snapshots(snapshotter: string): SnapshotsService;
  /**
   * Subscribes at once to the events of this namespace. Ends when the connection does (subscribe again after `whenReconnected`)
   * and when the signal aborts.
   */
  events(filters?: string[], options?: CallOptions): AsyncIterable<ContainerdEvent>;
  version(options?: CallOptions): Promise<{ version: string; revision: string }>;
  plugins(
    options?: CallOptions,
  ): Promise<{ type: string; id: string; capabilities: string[]; exports: Record<string, string>; error?: string }[]>;
  /** Whether containerd answers now. */
  serving(options?: CallOptions): Promise<boolean>;
  /**
   * Resolves as soon as containerd says its version: at once, or when it is back. Rejects only when the signal aborts: one that does
   * not say it for another reason than that it is away is not back either.
   */
  whenReconnected(options?: { signal?: AbortSignal }): Promise<void>;
  /** Ends the connection; open calls end with `unavailable`. */
  close(): Promise<void>;
}

/** How to say which runtime and cgroup driver a container runs with, packed for `ContainerRecord.runtime.options`. */
export interface RuncOptions {
  binaryName?: string;
  root?: string;
  systemdCgroup?: boolean;
  shimCgroup?: string;
  noPivotRoot?: boolean;
  ioUid?: number;
  ioGid?: number;
}

export interface BlockIOEntry {
  major: number;
  minor: number;
  /** `read`, `write`, and with cgroup v1 also `sync`, `async`, `total` and others. */
  op: string;
  value: number;
}

/**
 * A container's resource use. Counters run from the container's start; an unlimited limit is the kernel's huge number (about
 * 9.2e18 or 1.8e19), or 0 for `pids.limit`.
 */
export interface TaskMetrics {
  cgroupVersion: 1 | 2;
  cpu: {
    usageNs: number;
    userNs: number;
    systemNs: number;
    /** Empty with cgroup v2, which does not count it. */
    perCpuNs: number[];
    periods: number;
    throttledPeriods: number;
    throttledNs: number;
  };
  memory: {
    usageBytes: number;
    /** 0 where the kernel does not keep it. */
    maxUsageBytes: number;
    limitBytes: number;
    swapBytes: number;
    /** Page cache that is first to go; `usageBytes` less this is what Docker shows as used. */
    inactiveFileBytes: number;
    failures: number;
    oomKills: number;
    /** The lines of `memory.stat` under the kernel's names. */
    stats: Record<string, number>;
  };
  pids: { current: number; limit: number };
  blockIO: { serviceBytes: BlockIOEntry[]; serviced: BlockIOEntry[] };
  hugetlb: { pageSize: string; usageBytes: number; maxBytes: number; failures: number }[];
}
