import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { EngineError } from "@pouchcontainer/errors";
import { inBackground, listenOnSocket } from "@pouchcontainer/owners";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import type { ImageHandlers, RuntimeHandlers } from "./handlers.ts";
import { MendedConnection } from "./mended-connection.ts";
import { routesOf } from "./routes.ts";

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

/** CRI over gRPC on Unix sockets that root alone can reach. */
export class CriServer {
  readonly #http2 = createHttp2Server({ maxSessionMemory: sessionMemoryMb, settings: { initialWindowSize: windowBytes } });
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #connections = new Set<Socket>();
  readonly #servers: Server[] = [];
  readonly #routes: ReadonlyMap<string, UniversalHandler>;
  readonly #closing = new AbortController();
  readonly #expired = new AbortController();

  constructor({ runtime, images, reportFailure }: CriServerDeps) {
    const failed = ({ rpc, error, code }: { rpc: string; error: unknown; code: Code }): void => {
      const known = EngineError.from(error);
      const foreseen =
        error instanceof ConnectError || known.foreseen || code === Code.Canceled || code === Code.DeadlineExceeded;
      reportFailure({ rpc, error: known, foreseen });
    };
    this.#routes = routesOf(
      { runtime, images, closing: this.#closing.signal, failed },
      {
        grpc: true,
        grpcWeb: false,
        connect: false,
        // On a socket of this machine it would only cost.
        acceptCompression: [],
        readMaxBytes: messageLimitBytes,
        writeMaxBytes: messageLimitBytes,
        shutdownSignal: this.#expired.signal,
      },
    );
    this.#http2.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      // A client that breaks off is its own affair.
      session.on("error", () => session.destroy());
    });
    this.#http2.on("sessionError", () => undefined);
    this.#http2.on("request", (request, response) => {
      request.on("error", () => undefined);
      response.on("error", () => undefined);
      response.stream.on("error", () => undefined);
      inBackground("answering a CRI call", () => this.#answer(request, response), { rpc: request.url.slice(1, 200) });
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
    const stopping = new ConnectError("the daemon is stopping", Code.Unavailable);
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    this.#closing.abort(stopping);
    for (const session of this.#sessions) session.close();
    const breakOff = setTimeout(() => {
      this.#expired.abort(stopping);
      // What was cancelled is answered before its connection goes.
      setImmediate(() => {
        for (const session of this.#sessions) session.destroy();
        for (const connection of this.#connections) connection.destroy();
      });
    }, graceMilliseconds);
    await Promise.all(closed);
    clearTimeout(breakOff);
  }

  async #answer(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const handler = this.#routes.get(request.url);
    if (handler === undefined) return refuse(response, request.url);
    // Only the path counts here; what older clients say need not even fit into a URL.
    Object.defineProperty(request, "authority", { value: "localhost" });
    try {
      await universalResponseToNodeResponse(
        await handler(universalRequestFromNodeRequest(request, undefined, undefined)),
        response,
      );
    } catch (error) {
      if (response.stream.destroyed || response.stream.closed) return;
      response.stream.close();
      throw error;
    }
  }
}

/** As gRPC says that there is no such method, in a response of trailers alone. */
function refuse(response: Http2ServerResponse, path: string): void {
  response.writeHead(200, {
    "content-type": "application/grpc",
    "grpc-status": String(Code.Unimplemented),
    "grpc-message": encodeURIComponent(`unknown method ${path.slice(0, 200)}`),
  });
  response.end();
}
