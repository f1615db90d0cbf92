import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { podStatus } from "./show-pod.ts";

type Deps = Pick<PodCallDeps, "pods" | "containers" | "traceOf" | "now">;

/** What a pod is at this moment, with its containers as they are at the same; verbose, what it was asked to be and what plugins made of it. */
export function podSandboxStatus(deps: Deps): Handler<typeof RuntimeService.method.podSandboxStatus> {
  return async ({ podSandboxId, verbose }) => {
    const { id } = deps.pods.get(podSandboxId);
    const timestamp = deps.now();
    const pod = deps.pods.get(id);
    return {
      status: podStatus(pod),
      containersStatuses: await deps.containers.statusesIn(pod),
      timestamp,
      ...(verbose && { info: { info: JSON.stringify(detailsOf(deps, pod)) } }),
    };
  };
}

function detailsOf({ traceOf }: Deps, { id, config, network, init }: ReturnType<PodCallDeps["pods"]["get"]>): object {
  return {
    // The name under which other runtimes show it.
    ...(init && { pid: init.pid }),
    runtimeHandler: config.runtimeHandler,
    config,
    ...(network?.result && { network: network.list.name, cniResult: network.result }),
    ...(network && { netNamespace: network.target.netnsPath }),
    pluginCalls: traceOf(id),
  };
}
