import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { inParts } from "./in-parts.ts";
import { readyPods } from "./list-pod-sandbox-stats.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import type { PodMeter } from "./pod-meter.ts";

/** The list in parts, each measured when it is its turn. */
export function streamPodSandboxStats(
  deps: Pick<PodCallDeps, "pods">,
  meter: Pick<PodMeter, "measure">,
): Handler<typeof RuntimeService.method.streamPodSandboxStats> {
  return async function* ({ filter }, { signal }) {
    for (const pods of inParts(readyPods(deps, filter), signal)) yield { podSandboxStats: await meter.measure(pods) };
  };
}
