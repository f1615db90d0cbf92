import { cancelled, invalidArgument } from "@pouchcontainer/errors";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { release } from "./hijack.ts";

/** Larger messages end the connection: each has to fit in memory. */
const maxMessageBytes = 8 << 20;

const server = (): WebSocketServer => new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: maxMessageBytes });

/** Of the protocol; a refusal says which one would be right (RFC 6455, 4.2.2). */
const version = "13";

/** Throws `invalidArgument` for a request that cannot become a WebSocket (RFC 6455, 4.2.1). */
export function checkHandshake({ headers, upgrade }: IncomingMessage, response: ServerResponse): void {
  const problem = problemOf(headers, upgrade);
  if (problem === undefined) return;
  response.setHeader("Sec-WebSocket-Version", version);
  throw invalidArgument(`this endpoint speaks WebSocket: ${problem}`);
}

function problemOf(headers: IncomingMessage["headers"], upgrade: boolean | undefined): string | undefined {
  if (upgrade !== true || headers.upgrade?.toLowerCase() !== "websocket") return "the header Upgrade must be websocket";
  if (!/^[+/\da-z]{22}==$/i.test(headers["sec-websocket-key"] ?? ""))
    return "the header Sec-WebSocket-Key must be 16 bytes in base64";
  if (headers["sec-websocket-version"] !== version) return `the header Sec-WebSocket-Version must be ${version}`;
  return undefined;
}

/**
 * Makes a connection that `checkHandshake` found right a WebSocket, and that a stream: what the client sends is read from it, what is
 * written goes out as a message, in binary or as text, whatever bytes it has. Its end is a close frame.
 */
export function acceptWebSocket(
  request: IncomingMessage,
  response: ServerResponse,
  { binary }: { binary: boolean },
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const connection = release(request, response);
    connection.once("close", () => reject(cancelled("the client went away")));
    server().handleUpgrade(request, connection, Buffer.alloc(0), (socket) => resolve(new MessageStream(socket, binary)));
  });
}

class MessageStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #binary: boolean;

  constructor(socket: WebSocket, binary: boolean) {
    super();
    this.#socket = socket;
    this.#binary = binary;
    socket.binaryType = "nodebuffer";
    // With this type each message is one Buffer.
    socket.on("message", (data: Buffer) => {
      if (!this.push(data)) socket.pause();
    });
    // A broken connection and wrong frames are its end, told by "close" too.
    socket.on("error", () => undefined);
    socket.once("close", () => this.destroy());
    this.on("error", () => undefined);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(chunk, { binary: this.#binary }, done);
  }

  override _final(done: () => void): void {
    this.#socket.close(1000);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }
}
