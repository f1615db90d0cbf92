import type { RuntimeHandlers } from "../wire/handlers.ts";
import { listPodSandbox } from "./list-pod-sandbox.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { podSandboxStatus } from "./pod-sandbox-status.ts";
import { portForward } from "./port-forward.ts";
import { removePodSandbox } from "./remove-pod-sandbox.ts";
import { runPodSandbox } from "./run-pod-sandbox.ts";
import { stopPodSandbox } from "./stop-pod-sandbox.ts";
import { streamPodSandboxes } from "./stream-pod-sandboxes.ts";
import { updatePodSandboxResources } from "./update-pod-sandbox-resources.ts";

/** RPCs about pods. */
export function podCalls(deps: PodCallDeps) {
  return {
    runPodSandbox: runPodSandbox(deps),
    stopPodSandbox: stopPodSandbox(deps),
    removePodSandbox: removePodSandbox(deps),
    podSandboxStatus: podSandboxStatus(deps),
    listPodSandbox: listPodSandbox(deps),
    streamPodSandboxes: streamPodSandboxes(deps),
    updatePodSandboxResources: updatePodSandboxResources(deps),
    portForward: portForward(deps),
  } satisfies RuntimeHandlers;
}
