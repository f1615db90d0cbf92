import { isKind } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { findContainer } from "./find-container.ts";

/** How long one that was killed may take to end. */
const killedSeconds = 10;

/**
 * Asks a container to stop and kills it after its time of grace; without one it is killed at once. Nothing happens to one that does not
 * run, or is gone. A client that does not wait any more does not call it off. Its processes have ended by the answer; what they had of the
 * pod is given back by the time the pod's own stop is answered.
 */
export function stopContainer({ containers }: ContainersDeps): Handler<typeof RuntimeService.method.stopContainer> {
  return async ({ containerId, timeout }) => {
    const found = findContainer(containers, containerId);
    if (found === undefined) return {};
    try {
      await containers.stop(
        found.id,
        timeout > 0n
          ? { timeoutSeconds: Number(timeout), released: false }
          : { signal: "SIGKILL", timeoutSeconds: killedSeconds, released: false },
      );
    } catch (error) {
      if (!isKind(error, "notModified", "notFound")) throw error;
    }
    return {};
  };
}
