import { GrpcCode, unavailable, type EngineError } from "@pouchcontainer/errors";
import { inBackground, listenOnSocket } from "@pouchcontainer/owners";
import {
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import type { ImageHandlers, RuntimeHandlers } from "./handlers.ts";
import { MendedConnection } from "./mended-connection.ts";
import { GrpcStream } from "./grpc-stream.ts";
import { routesOf, type Route } from "./routes.ts";

export interface CriServerDeps {
  runtime: RuntimeHandlers;
  images: ImageHandlers;
  /** A call that failed; `foreseen` is false for what is a defect. */
  reportFailure: (failure: { rpc: string; error: EngineError; foreseen: boolean }) => void;
}

/** Largest message, in bytes, in both directions: what the kubelet and containerd have. */
export const messageLimitBytes = 16 * 1024 * 1024;
/** What one connection may hold in memory, in MB: more than one message of the largest kind. */
const sessionMemoryMb = 64;
const graceMs = 10_000;
/** What a client may send before it is read, in bytes. */
const windowBytes = 1024 * 1024;

/**
 * Room for all headers of a request. It is told to clients: one that keeps to it fails the one call, while of one that does not Node breaks
 * off the connection, with all that runs over it.
 */
const headerBytes = 64 * 1024;

/** CRI over gRPC on Unix sockets that root alone can reach. */
export class CriServer {
  readonly #http2 = createHttp2Server({
    maxSessionMemory: sessionMemoryMb,
    settings: { initialWindowSize: windowBytes, maxHeaderListSize: headerBytes },
  });
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #connections = new Set<Socket>();
  readonly #servers: Server[] = [];
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #calls = new Set<GrpcStream>();
  readonly #closing = new AbortController();

  constructor({ runtime, images, reportFailure }: CriServerDeps) {
    this.#routes = routesOf({
      runtime,
      images,
      closing: this.#closing.signal,
      failed: ({ rpc, error, code }) =>
        reportFailure({
          rpc,
          error,
          foreseen: error.foreseen || code === GrpcCode.cancelled || code === GrpcCode.deadlineExceeded,
        }),
    });
    this.#http2.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      // A client that breaks off is its own affair.
      session.on("error", () => session.destroy());
    });
    this.#http2.on("sessionError", () => undefined);
    this.#http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on("error", () => undefined);
      const rpc = headers[":path"]?.slice(1, 200) ?? "";
      inBackground("answering a CRI call", () => this.#answer(stream, headers), { rpc });
    });
  }

  /** Serves on the socket at this path, made with mode 0600; one that is left from a daemon before is replaced. */
  async listen(socketPath: string): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
      this.#http2.emit("connection", new MendedConnection(socket));
    });
    await listenOnSocket(server, socketPath, { mode: 0o600 });
    server.on("error", () => undefined);
    this.#servers.push(server);
  }

  /** Takes no more calls, ends streams, lets other calls end within the grace period, then cancels and breaks them off. */
  async close({ graceMilliseconds = graceMs }: { graceMilliseconds?: number } = {}): Promise<void> {
    const stopping = unavailable("the daemon is stopping");
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    this.#closing.abort(stopping);
    for (const session of this.#sessions) session.close();
    const breakOff = setTimeout(() => {
      for (const call of this.#calls) call.cancel(stopping);
      // What was cancelled is answered before its connection goes.
      setImmediate(() => {
        for (const session of this.#sessions) session.destroy();
        for (const connection of this.#connections) connection.destroy();
      });
    }, graceMilliseconds);
    await Promise.all(closed);
    clearTimeout(breakOff);
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const call = new GrpcStream(stream, messageLimitBytes);
    const { ":path": path = "", ":method": httpMethod, "content-type": contentType = "" } = headers;
    if (httpMethod !== "POST") return call.refuse(405);
    if (!/^application\/grpc(\+proto)?($|;)/.test(contentType)) return call.refuse(415);
    const route = this.#routes.get(path);
    if (route === undefined) return call.fail({ code: GrpcCode.unimplemented, message: `unknown method ${path.slice(0, 200)}` });
    this.#calls.add(call);
    try {
      await route(call, headers);
    } finally {
      this.#calls.delete(call);
    }
  }
}
