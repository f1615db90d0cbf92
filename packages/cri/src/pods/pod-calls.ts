import type { RuntimeHandlers } from "../wire/handlers.ts";
import { listMetricDescriptors } from "./list-metric-descriptors.ts";
import { listPodSandboxMetrics } from "./list-pod-sandbox-metrics.ts";
import { listPodSandboxStats } from "./list-pod-sandbox-stats.ts";
import { listPodSandbox } from "./list-pod-sandbox.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { PodMeter } from "./pod-meter.ts";
import { podSandboxStats } from "./pod-sandbox-stats.ts";
import { podSandboxStatus } from "./pod-sandbox-status.ts";
import { portForward } from "./port-forward.ts";
import { removePodSandbox } from "./remove-pod-sandbox.ts";
import { runPodSandbox } from "./run-pod-sandbox.ts";
import { stopPodSandbox } from "./stop-pod-sandbox.ts";
import { streamPodSandboxMetrics } from "./stream-pod-sandbox-metrics.ts";
import { streamPodSandboxStats } from "./stream-pod-sandbox-stats.ts";
import { streamPodSandboxes } from "./stream-pod-sandboxes.ts";
import { updatePodSandboxResources } from "./update-pod-sandbox-resources.ts";

/** RPCs about pods. */
export function podCalls(deps: PodCallDeps) {
  const meter = new PodMeter(deps);
  return {
    runPodSandbox: runPodSandbox(deps),
    stopPodSandbox: stopPodSandbox(deps),
    removePodSandbox: removePodSandbox(deps),
    podSandboxStatus: podSandboxStatus(deps),
    listPodSandbox: listPodSandbox(deps),
    streamPodSandboxes: streamPodSandboxes(deps),
    updatePodSandboxResources: updatePodSandboxResources(deps),
    podSandboxStats: podSandboxStats(deps, meter),
    listPodSandboxStats: listPodSandboxStats(deps, meter),
    streamPodSandboxStats: streamPodSandboxStats(deps, meter),
    listMetricDescriptors: listMetricDescriptors(),
    listPodSandboxMetrics: listPodSandboxMetrics(deps, meter),
    streamPodSandboxMetrics: streamPodSandboxMetrics(deps, meter),
    portForward: portForward(deps),
  } satisfies RuntimeHandlers;
}
