import type { ContainerRecord } from "@pouchcontainer/engine";
import { parseRfc3339 } from "@pouchcontainer/engine";
import { ContainerState } from "../gen/runtime_v1_pb.ts";

/** CRI's states are three. One that could not be started is over: the kubelet makes another in its place. */
export function criState({ state }: Pick<ContainerRecord, "state">): ContainerState {
  switch (state.status) {
    case "running":
    case "paused":
      return ContainerState.CONTAINER_RUNNING;
    case "created":
      return state.error === "" ? ContainerState.CONTAINER_CREATED : ContainerState.CONTAINER_EXITED;
    default:
      return ContainerState.CONTAINER_EXITED;
  }
}

/** Why it is over, in a word that Kubernetes' users know; "" for one that is not. */
export function exitReason(record: Pick<ContainerRecord, "state">): string {
  if (criState(record) !== ContainerState.CONTAINER_EXITED) return "";
  const { status, oomKilled, exitCode } = record.state;
  if (status === "created") return "StartError";
  if (oomKilled) return "OOMKilled";
  return exitCode === 0 ? "Completed" : "Error";
}

/** Nanoseconds since the epoch; 0 for what never happened. */
export function nanoseconds(time: string): bigint {
  const parsed = parseRfc3339(time) ?? 0n;
  return parsed > 0n ? parsed : 0n;
}
