import type {
  ContainerManager,
  ContainerRecord,
  ContainerResources,
  StateChange,
  StopOptions,
  CreateOrigin,
  ImageView,
  MembershipOptions,
  PluginChains,
  PluginTraces,
  PodMembership,
  PodRecord,
  RemoveOptions,
  RunSyncOptions,
  RunSyncResult,
} from "@pouchcontainer/engine";
import type { AttachRequest, ExecRequest } from "../streaming/backend.ts";

/** Docker's create body, which plugins see. */
export type CreateBody = Parameters<ContainerManager["create"]>[0];

/** What the kernel counts of a container. */
export type Metrics = Awaited<ReturnType<ContainerManager["metrics"]>> extends Map<string, infer Counted> ? Counted : never;

/** What CRI's calls about containers ask of the engine's. References are full ids. */
export interface CriContainers {
  create(body: CreateBody, from: CreateOrigin): Promise<{ Id: string }>;
  start(id: string): Promise<void>;
  stop(id: string, options: StopOptions): Promise<void>;
  remove(id: string, options: RemoveOptions & { link: boolean }): Promise<void>;
  updateResources(id: string, resources: ContainerResources): Promise<unknown>;
  reopenLog(id: string): Promise<void>;
  /** All of them, those of Docker's clients too. */
  records(): ContainerRecord[];
  metrics(ids: readonly string[]): Promise<Map<string, Metrics>>;
  writtenBytes(ids: readonly string[]): Promise<Map<string, number>>;
}

/** What they ask of pods. */
export interface CriContainerPods {
  find(ref: string): PodRecord | undefined;
  requireReady(ref: string): PodRecord;
  membershipOf(podId: string, options: MembershipOptions): PodMembership;
  whileReady<T>(podId: string, work: (pod: PodRecord) => Promise<T>): Promise<T>;
}

export interface ContainersDeps {
  containers: CriContainers;
  pods: CriContainerPods;
  chains: Pick<PluginChains, "criPreCreateContainer"> & Pick<PluginTraces, "traceOf">;
  exec: { runSync(id: string, command: readonly string[], options: RunSyncOptions): Promise<RunSyncResult> };
  images: { view(reference: string): ImageView | undefined };
  streams: { execUrl(request: ExecRequest): string; attachUrl(request: AttachRequest): string };
  /** What becomes of containers and pods, from the call on. */
  stateChanges(signal: AbortSignal): AsyncIterable<StateChange>;
  /** The folder snapshots lie in: the kubelet finds the file system by it. */
  snapshotsFolder(): Promise<string>;
  /** Whether the kernel can filter system calls. */
  hasSeccomp: boolean;
  /** Names of the profiles of AppArmor that are loaded now; undefined where none is enforced. */
  apparmorProfiles(): readonly string[] | undefined;
  /** The host's name, which containers of pods in its network have. */
  hostName(): string;
  /** Nanoseconds since the epoch. */
  now(): bigint;
}
