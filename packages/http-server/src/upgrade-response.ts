import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** How long what a client still sends after its answer is thrown away, so that the answer reaches it, before its connection is broken. */
const lingerMilliseconds = 5_000;

/**
 * A response for a request that node:http has handed over together with its connection (`Upgrade`). Either the connection is
 * taken away from it (`release`), or it is answered like any request, and that is the connection's end.
 */
export function upgradeResponse(request: IncomingMessage, stream: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  // It is typed for sockets; of one it uses what every writable stream has.
  const socket = stream as Socket;
  response.assignSocket(socket);
  // A server does this for the responses it made itself.
  stream.on("drain", () => {
    if (response.socket === stream) response.emit("drain");
  });
  response.once("finish", () => {
    response.detachSocket(socket);
    stream.end();
    // While input lies unread the client's going away is not seen; and one that sends for ever does not keep the connection.
    stream.resume();
    const linger = setTimeout(() => stream.destroy(), lingerMilliseconds).unref();
    stream.once("close", () => clearTimeout(linger));
  });
  return response;
}
