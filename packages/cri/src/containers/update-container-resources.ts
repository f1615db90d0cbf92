import { invalidArgument } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireContainer } from "./find-container.ts";
import { containerResources } from "./translate/resources.ts";

/** Changes limits, of a container that runs at once; what is 0 or "" stays. Plugins of `container.preUpdate` have their say. */
export function updateContainerResources({
  containers,
}: ContainersDeps): Handler<typeof RuntimeService.method.updateContainerResources> {
  return async ({ containerId, linux }) => {
    const { id } = requireContainer(containers, containerId);
    if (linux === undefined) throw invalidArgument("update container resources: the request has no resources for Linux");
    await containers.updateResources(id, containerResources(linux));
    return {};
  };
}
