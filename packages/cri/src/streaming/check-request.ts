import { invalidArgument } from "@pouchcontainer/errors";
import type { AttachRequest, PortForwardRequest } from "./backend.ts";

/** Throws `invalidArgument` for an exec or attach that no client could be connected with. */
export function checkCommandRequest({ containerId, stdin, stdout, stderr, tty }: AttachRequest): void {
  if (containerId === "") throw invalidArgument("missing required container_id");
  if (tty && stderr) throw invalidArgument("tty and stderr cannot both be true");
  if (!stdin && !stdout && !stderr) throw invalidArgument("one of stdin, stdout, or stderr must be set");
}

/** Throws `invalidArgument` for ports that are none. */
export function checkPortForwardRequest({ podSandboxId, ports }: PortForwardRequest): void {
  if (podSandboxId === "") throw invalidArgument("missing required pod_sandbox_id");
  for (const port of ports)
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw invalidArgument(`${port} is no port: 1 to 65535`);
}
