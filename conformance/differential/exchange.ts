import http from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

/** A request as it goes over the wire. */
export interface Request {
  method: string;
  path: string;
  headers: Record<string, string>;
  payload?: string | Buffer;
  /** Written after the connection was taken over. */
  input?: string | Buffer;
}

/** What came back: the head at once, the body when it has ended. */
export interface Exchange {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Promise<Buffer>;
}

const deadlineMilliseconds = 60_000;

/** Sends a request to a Unix socket. Rejects when no head comes; a body that breaks off is one that ended with the error's text. */
export function exchange(socketPath: string, { method, path, headers, payload, input }: Request): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const length = payload === undefined ? {} : { "Content-Length": String(Buffer.byteLength(payload)) };
    const request = http.request({ socketPath, agent: false, method, path, headers: { ...length, ...headers } });
    request.setTimeout(deadlineMilliseconds, () => request.destroy(new Error("no answer in time")));
    request.once("error", reject);
    request.once("response", (response) =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: contentOf(response) }),
    );
    request.once("upgrade", (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      // Who ends a WebSocket says so in a frame.
      if (headers["Upgrade"] !== "websocket") socket.end(input ?? "");
      else if (input !== undefined) socket.write(input);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: contentOf(socket) });
    });
    request.end(payload);
  });
}

async function contentOf(stream: Readable): Promise<Buffer> {
  try {
    return await buffer(stream);
  } catch (error) {
    return Buffer.from(`broken off: ${error instanceof Error ? error.message : String(error)}`);
  }
}
