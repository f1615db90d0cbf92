import { apiVersions, sendError, type HandlerSpec } from "@pouchcontainer/api";
import { EngineError, invalidArgument, notFound, unavailable } from "@pouchcontainer/errors";
import { inBackground, noticeHangup } from "@pouchcontainer/owners";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkVersion, requestedVersion, withoutVersion } from "./api-version.ts";
import type { Backend } from "./backend.ts";
import { buildRouter, type ServedTable, type UpdateHandlers } from "./build-router.ts";
import { addressText, type ListenAddress } from "./listen-address.ts";
import { tellsOfHangup } from "./hangup.ts";
import { listen } from "./listen.ts";
import { readToEnd } from "./read-to-end.ts";
import { onFirstJunk, refuseJunk, type Exchange } from "./refuse-junk.ts";
import { sendEmpty } from "./respond.ts";
import { endpointHandlers, routeTable, takesOver } from "./route-table.ts";
import { upgradeResponse } from "./upgrade-response.ts";

/** What a server is made of. */
export interface HttpServerOptions {
  backend: Backend;
  /** Version of the daemon, for the Server header. */
  version: string;
  /** Routes besides those of the catalogue, for example `/metrics`. Plugins see them too. */
  extraHandlers?: readonly HandlerSpec[];
  /** The api plugins' say in the route table, asked before the first request and at each `rebuild`. Default: none. */
  updateHandlers?: UpdateHandlers;
  /** Told that the table `updateHandlers` made last is served from now on. */
  tableServed?: () => void;
  /** Told of what was answered with status 500, and of what failed after the answer had begun. */
  reportFailure?: (failure: RequestFailure) => void;
  /** How long a connection may take to say what it wants: a TLS handshake, and the head of each request. Default 10 s. */
  headTimeoutMs?: number;
  /** `Lifetime.allRead`. Default: nobody can tell, and all has been read. */
  allRead?: (fd: number) => boolean;
  /** Where groups are looked up. Default `/etc/group`. */
  groupFile?: string;
}

/** A request that failed though the client asked for nothing wrong. */
export interface RequestFailure {
  error: EngineError;
  /** Method and path. */
  request: string;
}

/** Serves the Engine API on any number of sockets. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #table: readonly HandlerSpec[];
  readonly #servers = new Set<Server | TlsServer>();
  readonly #takenOver = new Set<Socket>();
  readonly #closing = new AbortController();
  readonly #expired = new AbortController();
  readonly #takesOver = takesOver();
  readonly #headers: Map<string, string>;
  #served: ServedTable | undefined;
  #building: Promise<void> = Promise.resolve();

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { allRead = () => true } = options;
    const lifetime = { closing: this.#closing.signal, expired: this.#expired.signal, takenOver: this.#takenOver, allRead };
    const served = () => this.#served?.specs ?? [];
    const handlers = endpointHandlers({ backend: options.backend, lifetime, version: options.version, served });
    this.#table = [...routeTable(handlers), ...(options.extraHandlers ?? [])];
    this.#headers = new Map([
      ["Api-Version", apiVersions.maximum],
      ["Ostype", "linux"],
      ["Server", `Pouch/${options.version} (linux)`],
    ]);
  }

  /**
   * Asks the plugins for the route table again and swaps it in, in one step. Rejects, and keeps the table of before, when the
   * new one cannot be served. Calls follow one another.
   */
  async rebuild(): Promise<void> {
    const build = this.#rebuildAfter(this.#building);
    this.#building = build.catch(() => undefined);
    await build;
  }

  async #rebuildAfter(earlier: Promise<void>): Promise<void> {
    await earlier;
    this.#served = await buildRouter(this.#table, this.#options.updateHandlers ?? ((table) => table));
    this.#options.tableServed?.();
  }

  /** Starts to serve on an address; resolves to it, with the port that was chosen where it was 0. */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    if (!this.#served) await this.rebuild();
    const headTimeoutMs = this.#options.headTimeoutMs ?? 10_000;
    const server = makeServer(address, headTimeoutMs, ({ method = "", url = "" }) =>
      this.#takesOver(method, withoutVersion(url)),
    );
    // Loads, pulls and streams last as long as they last; only a head has to come in time.
    server.requestTimeout = 0;
    server.headersTimeout = headTimeoutMs;
    server.keepAliveTimeout = 300_000;
    server.on("tls" in address && address.tls ? "secureConnection" : "connection", noticeHangup);
    if ("socketPath" in address) answerHalfClosed(server);
    const newest = new WeakMap<object, Exchange>();
    server.on("request", (request, response) => {
      newest.set(request.socket, { request, response });
      inBackground("serving a request", () => this.#serveWhole(request, response), { request: nameOf(request) });
    });
    onFirstJunk(server, (error, socket) => refuseJunk(error, socket, newest.get(socket)));
    server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => this.#upgrade(request, stream, head));
    await listen(server, address, this.#options.groupFile ?? "/etc/group");
    server.on("error", (thrown) => this.#report(thrown, "accept"));
    this.#servers.add(server);
    return boundAddress(server, address);
  }

  /**
   * Takes no new requests, ends connections that were taken over and streams without an end, and waits for the rest. What is
   * not done within the deadline is broken off.
   */
  async close(options: { deadlineMilliseconds?: number } = {}): Promise<void> {
    this.#closing.abort();
    const closed = [...this.#servers].map(async (server) => {
      const done = once(server, "close");
      server.close();
      await done;
    });
    for (const socket of this.#takenOver) socket.destroySoon();
    const deadline = setTimeout(() => this.#breakOff(), options.deadlineMilliseconds ?? 10_000);
    await Promise.all(closed);
    clearTimeout(deadline);
    this.#servers.clear();
  }

  #breakOff(): void {
    this.#expired.abort();
    for (const socket of this.#takenOver) socket.destroy();
    for (const server of this.#servers) server.closeAllConnections();
  }

  /** A client that asked for a connection of its own: node:http has let go of it, with what came right after the request. */
  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { socket } = request;
    stream.on("error", () => stream.destroy());
    this.#takenOver.add(socket);
    socket.once("close", () => this.#takenOver.delete(socket));
    if (head.length > 0) stream.unshift(head);
    const response = upgradeResponse(request, stream);
    inBackground("serving a request", () => this.#serve(request, response), { request: nameOf(request) });
  }

  /**
   * The next request of a connection is read after the body of this one, also when that was answered without all of it:
   * node:http throws away a body that nobody touched, and waits for ever behind one that somebody began to read.
   */
  async #serveWhole(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#serve(request, response);
    if (!request.complete) await readToEnd(request);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = request;
    // A response without a listener would let a broken connection end the daemon.
    response.on("error", () => response.destroy());
    try {
      if (this.#closing.signal.aborted) throw shuttingDown(response);
      response.once("close", () => this.#closeIdle());
      const match = this.#served?.find(method, withoutVersion(url)) ?? (method === "OPTIONS" ? anyOptions : undefined);
      if (!match) throw notFound("page not found");
      response.setHeaders(this.#headers);
      const version = requestedVersion(url);
      if (version !== undefined) checkVersion(version);
      response.setHeader("Docker-Experimental", "false");
      await match.handler(request, response, match.params);
    } catch (thrown) {
      const hungUp = response.destroyed && !response.writableFinished && tellsOfHangup(thrown);
      sendError(response, thrown);
      if (!hungUp) this.#report(thrown, nameOf(request));
    }
  }

  /** While closing, a connection that has nothing more to do is closed when its answer is out. */
  #closeIdle(): void {
    if (!this.#closing.signal.aborted) return;
    setImmediate(() => {
      for (const server of this.#servers) server.closeIdleConnections();
    });
  }

  #report(thrown: unknown, request: string): void {
    const error = EngineError.from(thrown);
    if (error.kind === "internal") this.#options.reportFailure?.({ error, request });
  }
}

/** Whatever is asked for its options is content. */
const anyOptions = { handler: (_request: IncomingMessage, response: ServerResponse) => sendEmpty(response, 200), params: {} };

/**
 * A client may end its side when its request is out (`nc -N`, `socat`) and still gets its answer, as from dockerd. One that
 * is gone is told from it by `noticeHangup`, which is quick on Unix sockets only; over TCP an ended side counts as gone.
 */
function answerHalfClosed(server: Server | TlsServer): void {
  // node:http reads this property of the server; it is not in its types.
  Object.assign(server, { httpAllowHalfOpen: true });
}

/** Method and path, as the log names a request. The query is left out: it may hold what is nobody's business. */
function nameOf({ method = "GET", url = "/" }: IncomingMessage): string {
  const query = url.indexOf("?");
  return `${method} ${query === -1 ? url : url.slice(0, query)}`;
}

function makeServer(
  address: ListenAddress,
  headTimeoutMs: number,
  shouldUpgradeCallback: (request: IncomingMessage) => boolean,
): Server | TlsServer {
  const options = {
    requireHostHeader: false,
    maxHeaderSize: 1024 * 1024,
    noDelay: true,
    // A peer that vanished is noticed by the kernel.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    connectionsCheckingInterval: headTimeoutMs / 10,
    shouldUpgradeCallback,
  };
  const tls = "tls" in address ? address.tls : undefined;
  if (!tls) return createServer(options);
  const { cert, key, clientCa } = tls;
  const verified = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  try {
    return createTlsServer({ ...options, cert, key, ...verified, minVersion: "TLSv1.2", handshakeTimeout: headTimeoutMs });
  } catch (cause) {
    throw invalidArgument(`cannot listen on ${addressText(address)}: certificate, key or CA cannot be used`, { cause });
  }
}

function shuttingDown(response: ServerResponse): EngineError {
  response.setHeader("Connection", "close");
  return unavailable("the daemon is shutting down");
}

function boundAddress(server: Server | TlsServer, address: ListenAddress): ListenAddress {
  const bound = server.address();
  if ("socketPath" in address || bound === null || typeof bound === "string") return address;
  return { ...address, port: bound.port };
}
