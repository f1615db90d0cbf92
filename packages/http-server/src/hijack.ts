import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { StreamType } from "./stream-type.ts";

/**
 * Takes the connection away from HTTP, as Docker does for attach and exec: `101 UPGRADED` for a client that asked with
 * `Upgrade: tcp`, else the older `200 OK` after which both sides just talk. The request's body has to be read before.
 *
 * Node has no call for the second form. Both work by taking the parser's listeners off the socket, which is idle between
 * two requests at this moment; a client may not send before it has the head, so no byte can have reached the parser. The
 * other direction stays open when the client ends its own (`allowHalfOpen` is what node:http sets).
 */
export function hijack(request: IncomingMessage, response: ServerResponse, type: StreamType): Socket {
  const { socket } = request;
  response.detachSocket(socket);
  for (const event of ["data", "end", "error", "timeout"]) socket.removeAllListeners(event);
  socket.setTimeout(0);
  socket.setNoDelay(true);
  // Breaking off is told by "close" too; without a listener it would end the daemon.
  socket.on("error", () => socket.destroy());
  const upgraded = request.headers.upgrade !== undefined;
  const head = upgraded
    ? ["HTTP/1.1 101 UPGRADED", `Content-Type: ${type}`, "Connection: Upgrade", "Upgrade: tcp"]
    : ["HTTP/1.1 200 OK", `Content-Type: ${type}`];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  return socket;
}
