import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { parseRfc3339, type PodNamespaces, type PodRecord } from "@pouchcontainer/engine";
import {
  NamespaceMode,
  PodSandboxSchema,
  PodSandboxState,
  type PodSandbox,
  type PodSandboxStatusSchema,
} from "../gen/runtime_v1_pb.ts";
import { oncePerRecord } from "../wire/once-per-record.ts";

/** A pod as lists have it. */
export const podSandbox = oncePerRecord((pod: PodRecord): PodSandbox => create(PodSandboxSchema, podItem(pod)));

function podItem(pod: PodRecord) {
  const { metadata, labels, annotations, runtimeHandler } = pod.config;
  return {
    id: pod.id,
    metadata,
    state: stateOf(pod),
    createdAt: createdAt(pod),
    labels,
    annotations,
    runtimeHandler,
  } satisfies MessageInitShape<typeof PodSandboxSchema>;
}

/** The same with its addresses, for as long as it is ready, and its namespaces. */
export function podStatus(pod: PodRecord): MessageInitShape<typeof PodSandboxStatusSchema> {
  const [ip = "", ...others] = pod.state === "ready" ? pod.ips : [];
  return {
    ...podItem(pod),
    network: { ip, additionalIps: others.map((each) => ({ ip: each })) },
    linux: { namespaces: { options: namespaceOptions(pod.config.namespaces) } },
  };
}

/** Nanoseconds since the epoch. */
const createdAt = ({ created }: PodRecord): bigint => parseRfc3339(created) ?? 0n;

function stateOf({ state, removing }: PodRecord): PodSandboxState {
  return state === "ready" && removing !== true ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
}

const modes: Record<"pod" | "container" | "node", NamespaceMode> = {
  pod: NamespaceMode.POD,
  container: NamespaceMode.CONTAINER,
  node: NamespaceMode.NODE,
};

function namespaceOptions({ network, ipc, pid }: PodNamespaces) {
  return { network: modes[network], ipc: modes[ipc], pid: modes[pid] };
}
