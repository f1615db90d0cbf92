import type { StateChange } from "@pouchcontainer/engine";
import { ContainerEventType, type RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { podStatus } from "../pods/show-pod.ts";
import { statusesIn } from "./containers-of-pods.ts";
import { podContainers } from "./find-container.ts";
import { podLabel } from "./translate/create-body.ts";

const types = {
  created: ContainerEventType.CONTAINER_CREATED_EVENT,
  started: ContainerEventType.CONTAINER_STARTED_EVENT,
  stopped: ContainerEventType.CONTAINER_STOPPED_EVENT,
  deleted: ContainerEventType.CONTAINER_DELETED_EVENT,
};

/**
 * What becomes of pods and their containers from now on, each time with the pod and all its containers as they are then. A pod goes
 * by the name of a container here, as with containerd.
 */
export function getContainerEvents(deps: ContainersDeps): Handler<typeof RuntimeService.method.getContainerEvents> {
  return async function* (_request, { signal }) {
    for await (const change of deps.stateChanges(signal)) {
      const podId = change.of === "pod" ? change.id : podOf(deps, change);
      if (podId === undefined) continue;
      const pod = deps.pods.find(podId);
      yield {
        containerId: change.id,
        containerEventType: types[change.state],
        createdAt: change.at,
        ...(pod && { podSandboxStatus: podStatus(pod) }),
        containersStatuses: statusesIn(deps, podId),
      };
    }
  };
}

/** Of one that was removed there is nothing any more but what the change has. */
function podOf({ containers }: Pick<ContainersDeps, "containers">, { id, labels }: StateChange): string | undefined {
  return podContainers(containers).find((record) => record.id === id)?.pod.podId ?? labels[podLabel];
}
