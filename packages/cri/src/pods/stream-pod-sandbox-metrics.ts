import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { inParts } from "./in-parts.ts";
import { metricsOf } from "./list-pod-sandbox-metrics.ts";
import { readyPods } from "./list-pod-sandbox-stats.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import type { PodMeter } from "./pod-meter.ts";

/** The list in parts, each measured when it is its turn. */
export function streamPodSandboxMetrics(
  deps: Pick<PodCallDeps, "pods" | "containers">,
  meter: Pick<PodMeter, "measure">,
): Handler<typeof RuntimeService.method.streamPodSandboxMetrics> {
  return async function* (_request, { signal }) {
    for (const pods of inParts(readyPods(deps), signal)) yield { podSandboxMetrics: await metricsOf(deps, meter, pods) };
  };
}
