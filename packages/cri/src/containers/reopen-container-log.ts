import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireContainer } from "./find-container.ts";

/** The kubelet has renamed the log's file: what comes goes into a new one. */
export function reopenContainerLog({ containers }: ContainersDeps): Handler<typeof RuntimeService.method.reopenContainerLog> {
  return async ({ containerId }) => {
    await containers.reopenLog(requireContainer(containers, containerId).id);
    return {};
  };
}
