import type { PodRecord } from "@pouchcontainer/engine";
import type { PodSandboxStatsFilter, RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import type { PodMeter } from "./pod-meter.ts";

/** What pods use that are ready, and for which all of the filter holds. */
export function listPodSandboxStats(
  deps: Pick<PodCallDeps, "pods">,
  meter: Pick<PodMeter, "measure">,
): Handler<typeof RuntimeService.method.listPodSandboxStats> {
  return async ({ filter }) => ({ stats: await meter.measure(readyPods(deps, filter)) });
}

export function readyPods({ pods }: Pick<PodCallDeps, "pods">, filter?: PodSandboxStatsFilter): PodRecord[] {
  const { id = "", labelSelector = {} } = filter ?? {};
  const named = id === "" ? undefined : pods.find(id);
  if (id !== "" && named === undefined) return [];
  return pods.list({ ...(named && { id: named.id }), state: "ready", labels: labelSelector });
}
