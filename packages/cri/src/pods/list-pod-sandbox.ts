import type { PodRecord } from "@pouchcontainer/engine";
import { PodSandboxState, type PodSandboxFilter, type RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { podSandbox } from "./show-pod.ts";

/** Pods for which all of the filter holds. */
export function listPodSandbox(deps: Pick<PodCallDeps, "pods">): Handler<typeof RuntimeService.method.listPodSandbox> {
  return async ({ filter }) => ({ items: selectedPods(deps, filter).map(podSandbox) });
}

/** An id that is not whole stands for the pod that it is the beginning of, if only one is. */
export function selectedPods({ pods }: Pick<PodCallDeps, "pods">, filter: PodSandboxFilter | undefined): PodRecord[] {
  const { id = "", state, labelSelector = {} } = filter ?? {};
  const named = id === "" ? undefined : pods.find(id);
  if (id !== "" && named === undefined) return [];
  return pods.list({
    ...(named && { id: named.id }),
    ...(state && { state: state.state === PodSandboxState.SANDBOX_READY ? "ready" : "notReady" }),
    labels: labelSelector,
  });
}
