import { cancelled } from "@pouchcontainer/errors";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";

/** Larger messages end the connection: each has to fit in memory. */
const maxMessageBytes = 4 << 20;
/** What came with the request was put back into the connection. */
const nothing = Buffer.alloc(0);

/**
 * Completes the handshake of a WebSocket; a wrong one is answered with 400. Rejects with `cancelled` when there is none. The
 * subprotocol passes ws by, to which a name with a slash, as Kubernetes has one, is none.
 */
export function acceptWebSocket(request: IncomingMessage, connection: Duplex, protocol: string): Promise<WebSocket> {
  delete request.headers["sec-websocket-protocol"];
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: maxMessageBytes });
  if (protocol !== "") server.on("headers", (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve, reject) => {
    connection.once("close", () => reject(cancelled("the client went away")));
    server.handleUpgrade(request, connection, nothing, (socket) => resolve(socket));
  });
}
