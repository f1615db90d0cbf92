import type { DatagramOptions, DatagramSocket } from "@pouchcontainer/owners";
import type { Socket } from "node:net";
import { addAbortSignal } from "node:stream";
import { isAnswerTo } from "./dns-message.ts";
import { framed, unframed } from "./framed-messages.ts";
import type { NameServer } from "./name-server.ts";

/** Makes sockets where the servers are reached from. Throws where there is no such place any more, or no descriptor. */
export interface QuerySockets {
  udp(server: NameServer, hear: Pick<DatagramOptions, "onMessage" | "onError">): DatagramSocket;
  /** One that connects, or has failed to and says so when it is read. Its errors are heard. */
  tcp(server: NameServer): Socket;
}

/** The longest message DNS over TCP can carry. */
const maximumAnswerBytes = 65_535;

/**
 * Asks one server one question. Rejects when there is no way to it, when it refuses, and when the signal aborts; the socket is
 * closed when the promise settles.
 */
export async function askOverUdp(sockets: QuerySockets, server: NameServer, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  // A socket of its own per query, connected: an answer can only be forged by who guesses port and id.
  const onMessage = (message: Buffer) => isAnswerTo(message, query) && resolve(message);
  const socket = sockets.udp(server, { onMessage, onError: reject });
  try {
    socket.send(query);
    return await promise;
  } finally {
    socket.close();
  }
}

export async function askOverTcp(sockets: QuerySockets, server: NameServer, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  const socket = sockets.tcp(server);
  try {
    addAbortSignal(signal, socket);
    socket.write(framed(query));
    for await (const message of unframed(socket, maximumAnswerBytes)) if (isAnswerTo(message, query)) return message;
    throw new Error("the server hung up");
  } finally {
    socket.destroy();
  }
}
