import { invalidArgument } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireRunning } from "./find-container.ts";

/** A URL where a client is connected with a new process in the container. */
export function exec({ containers, streams }: ContainersDeps): Handler<typeof RuntimeService.method.exec> {
  return async ({ containerId, cmd, tty, stdin, stdout, stderr }) => {
    if (cmd.length === 0) throw invalidArgument("exec: the request has no command");
    const { id } = requireRunning(containers, containerId);
    return { url: streams.execUrl({ containerId: id, command: cmd, tty, stdin, stdout, stderr }) };
  };
}
