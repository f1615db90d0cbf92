import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { criContainerStatus } from "./cri-container-status.ts";
import { requireContainer, type PodContainer } from "./find-container.ts";

/** One container. `verbose` adds what is of use to whoever looks for a fault, plugins' calls among it; no environment, where secrets are. */
export function containerStatus(deps: ContainersDeps): Handler<typeof RuntimeService.method.containerStatus> {
  return async ({ containerId, verbose }) => {
    const record = requireContainer(deps.containers, containerId);
    return {
      status: criContainerStatus(record, deps),
      ...(verbose && { info: { info: JSON.stringify({ ...detailsOf(record), pluginCalls: deps.chains.traceOf(record.id) }) } }),
    };
  };
}

function detailsOf({ pod, state, snapshotter, hostConfig, name, path, args }: PodContainer): Record<string, unknown> {
  return {
    sandboxID: pod.podId,
    pid: state.pid,
    name,
    snapshotter,
    runtimeType: hostConfig.Runtime ?? "",
    namespaces: pod.namespaces,
    command: [path, ...args],
    privileged: hostConfig.Privileged ?? false,
  };
}
