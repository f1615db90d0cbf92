import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { inParts } from "./in-parts.ts";
import { selectedPods } from "./list-pod-sandbox.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { podSandbox } from "./show-pod.ts";

/** The list in parts, for those whose list is longer than a message may be. */
export function streamPodSandboxes(deps: Pick<PodCallDeps, "pods">): Handler<typeof RuntimeService.method.streamPodSandboxes> {
  return async function* ({ filter }, { signal }) {
    for (const pods of inParts(selectedPods(deps, filter), signal)) yield { podSandboxes: pods.map(podSandbox) };
  };
}
