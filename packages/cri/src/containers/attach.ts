import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireRunning } from "./find-container.ts";

/** A URL where a client is connected with the container's own process. */
export function attach({ containers, streams }: ContainersDeps): Handler<typeof RuntimeService.method.attach> {
  return async ({ containerId, tty, stdin, stdout, stderr }) => {
    const { id } = requireRunning(containers, containerId);
    return { url: streams.attachUrl({ containerId: id, tty, stdin, stdout, stderr }) };
  };
}
