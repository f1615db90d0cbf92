import type { Endpoint } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { OutputChunk, StdioSession } from "./backend.ts";
import type { Call } from "./call.ts";
import { hijack } from "./hijack.ts";
import type { Lifetime } from "./lifetime.ts";
import { serveSession } from "./serve-session.ts";
import { streamType } from "./stream-type.ts";

export interface TakeOver {
  /** Output goes out as it is, not in frames. */
  raw: boolean;
  /** The head says who the server is, as every answer does; dockerd's says it for exec, and not for attach. */
  serverHeaders: boolean;
  /**
   * Connects with the process. Called when the head is out: clients such as docker-py lose what arrives together with it, so a
   * process that is started here must not be able to say anything before. What it throws is told in the stream, as output.
   */
  open: () => Promise<StdioSession>;
}

/** Answers a call by connecting its client with a process, until one of them is done. */
export async function takeOverConnection(call: Call<Endpoint>, lifetime: Lifetime, how: TakeOver): Promise<void> {
  const { request, response } = call;
  const { socket } = request;
  const headers = how.serverHeaders ? headersOf(response) : [];
  const stream = hijack(request, response, { type: streamType(call.version, how.raw), headers });
  lifetime.takenOver.add(socket);
  socket.once("close", () => lifetime.takenOver.delete(socket));
  const session = await how.open().catch((thrown: unknown) => failedSession(EngineError.from(thrown).message));
  session.served?.({ hasRead: () => hasRead(socket, lifetime) });
  await serveSession(session, stream, how.raw);
}

/** Node has the descriptor of a socket in its handle only, which goes when the socket is closed. */
export function hasRead(socket: Socket & { _handle?: { fd?: number } | null }, { allRead }: Lifetime): boolean {
  const fd = socket._handle?.fd ?? -1;
  return socket.writableLength === 0 && (fd < 0 || allRead(fd));
}

const serverHeaders = ["Api-Version", "Docker-Experimental", "Ostype", "Server"];

/** Those the server has set on the answer, which is not sent any more. */
function headersOf(response: ServerResponse): string[] {
  return serverHeaders.filter((name) => response.hasHeader(name)).map((name) => `${name}: ${String(response.getHeader(name))}`);
}

/** Says why there is none, and ends. */
function failedSession(message: string): StdioSession {
  const said: OutputChunk = { stream: "stdout", data: Buffer.from(`${message}\r\n`) };
  return { tty: false, output: Readable.from([said]), close: () => undefined };
}
