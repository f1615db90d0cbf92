import { failedPrecondition, isKind } from "@pouchcontainer/errors";
import { ContainerState, type RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { criState } from "./container-state.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireContainer } from "./find-container.ts";

/** Starts a container that was made and never started, in a pod that is ready: a pod's stop waits for it and then ends it. */
export function startContainer({ containers, pods }: ContainersDeps): Handler<typeof RuntimeService.method.startContainer> {
  return async ({ containerId }) => {
    const { id, pod } = requireContainer(containers, containerId);
    await pods.whileReady(pod.podId, async () => {
      refuseStarted(containers, id);
      try {
        await containers.start(id);
      } catch (error) {
        // Somebody else has started it meanwhile.
        if (isKind(error, "notModified")) throw alreadyStarted(id);
        throw error;
      }
    });
    return {};
  };
}

function refuseStarted(containers: ContainersDeps["containers"], id: string): void {
  if (criState(requireContainer(containers, id)) !== ContainerState.CONTAINER_CREATED) throw alreadyStarted(id);
}

const alreadyStarted = (id: string) => failedPrecondition(`container ${id} was started already: it can be started once`);
