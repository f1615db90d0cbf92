import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PodManager, PodRecord, PodSandboxConfig as PodSandboxDraft, TraceEntry } from "@pouchcontainer/engine";
import type { ContainerStatsSchema, ContainerStatusSchema } from "../gen/runtime_v1_pb.ts";
import type { StreamingServer } from "../streaming/streaming-server.ts";

/** What CRI's pod calls ask of the engine's pods. */
export type CriPods = Pick<
  PodManager,
  "run" | "stop" | "remove" | "get" | "find" | "list" | "requireReady" | "updateResources" | "usage"
>;

/** What is told of the containers of a pod; the calls about containers know how. */
export interface ContainersOfPods {
  statusesIn(pod: PodRecord): Promise<MessageInitShape<typeof ContainerStatusSchema>[]>;
  statsIn(pod: PodRecord): Promise<MessageInitShape<typeof ContainerStatsSchema>[]>;
}

export interface PodCallDeps {
  pods: CriPods;
  containers: ContainersOfPods;
  /** Names of runtime handlers, "" for the default one among them. */
  handlers: readonly string[];
  cgroupDriver: "cgroupfs" | "systemd";
  /** `cri.preRunPodSandbox`: the sandbox' configuration, and the whole request as it came. Calls of plugins are noted in `calls`. */
  preRunPodSandbox(config: PodSandboxDraft, request: unknown, context: PreRunContext): Promise<PodSandboxDraft>;
  /** Calls of plugins that shaped a pod. */
  traceOf(podId: string): readonly TraceEntry[];
  streaming: Pick<StreamingServer, "portForwardUrl">;
  /** Nanoseconds since the epoch. */
  now(): bigint;
}

export interface PreRunContext {
  podName: string;
  labels: Record<string, string>;
  signal: AbortSignal;
  calls: TraceEntry[];
  /** Throws for a draft that no pod can be made of. */
  verify: (draft: PodSandboxDraft) => void;
}
