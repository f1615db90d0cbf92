import { invalidArgument } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";

/** Removes a pod with its containers, running or not; of one that is gone nothing is asked. */
export function removePodSandbox({ pods }: Pick<PodCallDeps, "pods">): Handler<typeof RuntimeService.method.removePodSandbox> {
  return async ({ podSandboxId }) => {
    if (podSandboxId === "") throw invalidArgument("the request names no pod");
    await pods.remove(podSandboxId);
    return {};
  };
}
