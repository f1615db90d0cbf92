import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";

/**
 * The node's pod network, which the kubelet tells to runtimes that write their CNI configuration by a template. Here the operator, or
 * the network add-on, writes it: there is nothing to do, as in containerd without a template.
 */
export function updateRuntimeConfig(): Handler<typeof RuntimeService.method.updateRuntimeConfig> {
  return async () => ({});
}
