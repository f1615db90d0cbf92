import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { podResourcesOf } from "./translate-pod.ts";

/** Notes the limits of a pod as a whole, and puts them in force where its control group is not the kubelet's. */
export function updatePodSandboxResources({
  pods,
}: Pick<PodCallDeps, "pods">): Handler<typeof RuntimeService.method.updatePodSandboxResources> {
  return async ({ podSandboxId, resources, overhead }) => {
    await pods.updateResources(podSandboxId, {
      ...(resources && { resources: podResourcesOf(resources) }),
      ...(overhead && { overhead: podResourcesOf(overhead) }),
    });
    return {};
  };
}
