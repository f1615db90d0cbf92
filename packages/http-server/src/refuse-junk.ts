import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";

/** The newest request of a connection, and its answer. Answers go out in the order of their requests. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

/** Calls back once for each connection on which something comes that is no request: the parser complains of all that follows, too. */
export function onFirstJunk(server: Server | TlsServer, refuse: (error: NodeJS.ErrnoException, socket: Socket) => void): void {
  const refused = new WeakSet<Socket>();
  server.on("clientError", (error: NodeJS.ErrnoException, stream) => {
    // Typed for streams that somebody hands to the server; it makes its connections itself.
    const socket = stream as Socket;
    if (refused.has(socket)) return;
    refused.add(socket);
    refuse(error, socket);
  });
}

/**
 * Ends a connection on which something came that is no request, in Go's words. A request that was whole by then gets its answer
 * first, as from dockerd: it is carried out, and whoever asked would take the refusal for its answer.
 */
export function refuseJunk(error: NodeJS.ErrnoException, socket: Socket, last: Exchange | undefined): void {
  // What no parser said is a connection that broke, or a handshake that came to nothing.
  if (!/^(HPE|ERR_HTTP)_/.test(error.code ?? "") || !socket.writable) {
    socket.destroy();
    return;
  }
  if (last?.request.complete === true && !last.response.writableFinished) {
    last.response.once("close", () => refuseJunk(error, socket, last));
    return;
  }
  // Where the body of a request is broken nobody waits for a second answer. Its handler is not told: it finds the connection gone.
  if (last === undefined || last.request.complete || !last.response.headersSent) socket.write(refusal(error));
  socket.destroySoon();
}

const plain = "text/plain; charset=utf-8";

function refusal(error: NodeJS.ErrnoException): string {
  const status = statusOf(error).join(" ");
  return `HTTP/1.1 ${status}\r\nContent-Type: ${plain}\r\nConnection: close\r\n\r\n${status}`;
}

/** Codes of node:http and its parser. */
function statusOf({ code }: NodeJS.ErrnoException): [number, string] {
  if (code === "HPE_HEADER_OVERFLOW") return [431, "Request Header Fields Too Large"];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "Request Timeout"];
  return [400, "Bad Request"];
}
