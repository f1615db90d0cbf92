import { isKind } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { findContainer } from "./find-container.ts";

/**
 * Removes a container with what it has, killing what runs of it; its log stays, which is the kubelet's. One that is gone is removed already.
 * What runs of it has ended by the answer, and it is stored that it goes; its files go behind that.
 */
export function removeContainer({ containers }: ContainersDeps): Handler<typeof RuntimeService.method.removeContainer> {
  return async ({ containerId }) => {
    const found = findContainer(containers, containerId);
    if (found === undefined) return {};
    try {
      await containers.remove(found.id, { force: true, volumes: true, link: false, promised: true });
    } catch (error) {
      if (!isKind(error, "notFound")) throw error;
    }
    return {};
  };
}
