import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AttachRequest, ExecRequest, PortForwardRequest, StreamingBackend } from "./backend.ts";
import type { Refusal } from "./refuse-upgrade.ts";
import type { Command } from "./serve-command.ts";

/** What a token stands for. */
export type Promised =
  | { kind: "exec"; request: ExecRequest }
  | { kind: "attach"; request: AttachRequest }
  | { kind: "portforward"; request: PortForwardRequest };

export interface Serving {
  backend: StreamingBackend;
  idleTimeoutMs: number;
  creationTimeoutMs: number;
  redeem(token: string): Promised | undefined;
}

/** How a protocol serves what was promised. */
export interface Upgrade {
  request: IncomingMessage;
  connection: Duplex;
  kind: Promised["kind"];
  serving: Serving;
  /** Uses up the token; a refusal where it does not count. Asked for last, so that a client may try another protocol. */
  redeem: () => Promised | Refusal;
}

/** What exec and attach run. */
export function commandOf(promised: Exclude<Promised, { kind: "portforward" }>, backend: StreamingBackend): Command {
  return promised.kind === "exec"
    ? { doing: "executing command in container", run: (session) => backend.exec(promised.request, session) }
    : { doing: "attaching to container", run: (session) => backend.attach(promised.request, session) };
}
