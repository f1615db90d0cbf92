import { invalidArgument } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";

/** Ends what runs in a pod and gives back what it has; of a pod that is stopped or gone nothing is asked. */
export function stopPodSandbox({ pods }: Pick<PodCallDeps, "pods">): Handler<typeof RuntimeService.method.stopPodSandbox> {
  return async ({ podSandboxId }) => {
    if (podSandboxId === "") throw invalidArgument("the request names no pod");
    await pods.stop(podSandboxId);
    return {};
  };
}
