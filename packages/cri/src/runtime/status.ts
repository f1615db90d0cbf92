import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { Readiness, RuntimeDeps } from "./runtime-deps.ts";

/** Whether pods can be run here. The kubelet marks its node by these two conditions, so they have to be there with these names. */
export function status(deps: RuntimeDeps): Handler<typeof RuntimeService.method.status> {
  return async ({ verbose }) => {
    const [runtime, network] = await Promise.all([deps.runtimeReadiness(), deps.networkReadiness()]);
    return {
      status: { conditions: [condition("RuntimeReady", runtime), condition("NetworkReady", network)] },
      runtimeHandlers: deps.handlers.map(({ name, features }) => ({ name, features })),
      features: deps.features,
      ...(verbose && { info: { config: JSON.stringify(deps.configuration()) } }),
    };
  };
}

function condition(type: string, { ready, reason = "", message = "" }: Readiness) {
  return { type, status: ready, reason, message };
}
