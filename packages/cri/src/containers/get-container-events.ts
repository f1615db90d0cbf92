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

/** What becomes of containers of pods from now on, each time with their pod and all its containers as they are then. */
export function getContainerEvents(deps: ContainersDeps): Handler<typeof RuntimeService.method.getContainerEvents> {
  return async function* (_request, { signal }) {
    for await (const { containerId, state, at, labels } of deps.stateChanges(signal)) {
      // Of one that was removed there is nothing any more but what the event has.
      const podId = podContainers(deps.containers).find(({ id }) => id === containerId)?.pod.podId ?? labels[podLabel];
      if (podId === undefined) continue;
      const pod = deps.pods.find(podId);
      yield {
        containerId,
        containerEventType: types[state],
        createdAt: at,
        ...(pod && { podSandboxStatus: podStatus(pod) }),
        containersStatuses: statusesIn(deps, podId),
      };
    }
  };
}
