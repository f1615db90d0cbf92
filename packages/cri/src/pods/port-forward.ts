import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";

/** Promises a connection with ports of a pod: a URL of the streaming server's. */
export function portForward({
  pods,
  streaming,
}: Pick<PodCallDeps, "pods" | "streaming">): Handler<typeof RuntimeService.method.portForward> {
  return async ({ podSandboxId, port }) => {
    const { id } = pods.requireReady(podSandboxId);
    return { url: streaming.portForwardUrl({ podSandboxId: id, ports: port }) };
  };
}
