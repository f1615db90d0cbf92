import { noticeHangup } from "@pouchcontainer/owners";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { StreamType } from "./stream-type.ts";

/**
 * Takes the connection away from HTTP, as Docker does for attach and exec, and sends the head: `101 UPGRADED` for a client that
 * asked with `Upgrade`, else the older `200 OK` after which both sides just talk. The request's body has to be read before.
 * What is returned is paused: what the client sends meanwhile waits for whoever resumes it.
 */
export function hijack(
  request: IncomingMessage,
  response: ServerResponse,
  head: { type: StreamType; headers: readonly string[] },
): Duplex {
  const stream = release(request, response);
  const status = isUpgrade(request)
    ? ["HTTP/1.1 101 UPGRADED", `Content-Type: ${head.type}`, "Connection: Upgrade", "Upgrade: tcp"]
    : ["HTTP/1.1 200 OK", `Content-Type: ${head.type}`];
  stream.write(`${[...status, ...head.headers].join("\r\n")}\r\n\r\n`);
  return stream;
}

/** The connection without HTTP: what the client sent after its request is the first that is read from it. */
export function release(request: IncomingMessage, response: ServerResponse): Duplex {
  const { socket } = request;
  // What node:http hands over for an upgrade is the socket, or a stream over it that begins where the request's body ends.
  const stream = response.socket ?? socket;
  response.detachSocket(stream);
  if (!request.upgrade) takeFromParser(socket);
  stream.pause();
  socket.setTimeout(0);
  socket.setNoDelay(true);
  // Breaking off is told by "close" too; without a listener it would end the daemon.
  stream.on("error", () => stream.destroy());
  return stream;
}

/** Only node:http sets it, and only where the server said so (`shouldUpgradeCallback`); its types lack it. */
declare module "node:http" {
  interface IncomingMessage {
    upgrade?: boolean;
  }
}

function isUpgrade(request: IncomingMessage): boolean {
  return request.headers.upgrade !== undefined;
}

/**
 * Node has no call for the second form. It works by taking the parser's listeners off the socket, which is idle between two
 * requests at this moment. The other direction stays open when the client ends its own (`allowHalfOpen` is what node:http sets).
 */
function takeFromParser(socket: Socket): void {
  // The parser reads the handle itself until somebody else wants to: what comes from now on is not for it.
  socket.on("data", () => undefined);
  for (const event of ["data", "end", "error", "timeout"]) socket.removeAllListeners(event);
  noticeHangup(socket);
}
