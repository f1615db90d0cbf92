import { inBackground } from "@pouchcontainer/owners";
import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import type { AttachRequest, ExecRequest, PortForwardRequest, StreamingBackend } from "./backend.ts";
import { checkCommandRequest, checkPortForwardRequest } from "./check-request.ts";
import { HttpListener, type TlsMaterial } from "./http-listener.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import { serveUpgrade } from "./serve-upgrade.ts";
import { TokenStore } from "./token-store.ts";
import type { Promised } from "./upgrade.ts";

export interface StreamingOptions {
  backend: StreamingBackend;
  /** Address to listen on. Default: 127.0.0.1, as the kubelet is on the same host. */
  host?: string;
  /** Default: 0, a free one. */
  port?: number;
  /** Host name or address in the URLs. Default: `host`. */
  advertisedHost?: string;
  /** Default: plain HTTP. */
  tls?: TlsMaterial;
  /** After which a session in which nothing passes is ended. Default: 4 hours. */
  idleTimeoutMs?: number;
  /** For a client to make the streams it asked for. Default: 30 seconds. */
  creationTimeoutMs?: number;
  /** For a client to come with its token. Default: 1 minute. */
  tokenLifetimeMs?: number;
  /** Tokens that may wait for their clients. Default: 1000. */
  maxTokens?: number;
  /** Default: 1000. */
  maxConnections?: number;
}

/** How long `close` waits for backends to notice that their clients are gone. */
const closeMilliseconds = 5000;

/**
 * Serves the streams of CRI's Exec, Attach and PortForward: the RPC's answer is a URL with a token, and whoever shows that token in
 * time, once, is connected, by SPDY/3.1 or by WebSocket (docs/adr/0012).
 */
export class StreamingServer {
  readonly #options: StreamingOptions;
  readonly #tokens: TokenStore<Promised>;
  readonly #listener: HttpListener;
  readonly #sessions = new Set<Promise<void>>();
  #base = "";

  constructor(options: StreamingOptions) {
    this.#options = options;
    const { tls, maxTokens = 1000, tokenLifetimeMs = 60_000, maxConnections = 1000 } = options;
    this.#tokens = new TokenStore({ maxTokens, lifetimeMs: tokenLifetimeMs, now: () => performance.now() });
    this.#listener = new HttpListener({
      host: options.host ?? "127.0.0.1",
      port: options.port ?? 0,
      ...(tls === undefined ? {} : { tls }),
      maxConnections,
      onUpgrade: (request, connection, head) =>
        inBackground("serve streams", () => this.#remember(this.#serve(request, connection, head))),
      onRequest: (_request, response) =>
        response.writeHead(400, { "Content-Type": "text/plain" }).end("unable to upgrade: missing upgrade headers in request\n"),
    });
  }

  /** Rejects with the system's error when it cannot listen. */
  async start(): Promise<void> {
    const port = await this.#listener.listen();
    const { tls, host = "127.0.0.1", advertisedHost = host } = this.#options;
    this.#base = `${tls ? "https" : "http"}://${isIPv6(advertisedHost) ? `[${advertisedHost}]` : advertisedHost}:${port}`;
  }

  /** Breaks off all sessions, and waits a little for backends to let go of theirs. */
  async close(): Promise<void> {
    this.#listener.close();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, closeMilliseconds);
    await Promise.race([Promise.allSettled(this.#sessions), late]);
    clearTimeout(timer);
  }

  /** Sessions that are served now. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** A URL for CRI's Exec. Throws `invalidArgument`, or `resourceExhausted` when too many wait. */
  execUrl(request: ExecRequest): string {
    checkCommandRequest(request);
    return this.#url({ kind: "exec", request });
  }

  attachUrl(request: AttachRequest): string {
    checkCommandRequest(request);
    return this.#url({ kind: "attach", request });
  }

  portForwardUrl(request: PortForwardRequest): string {
    checkPortForwardRequest(request);
    return this.#url({ kind: "portforward", request });
  }

  #url(promised: Promised): string {
    return `${this.#base}/${promised.kind}/${this.#tokens.issue(promised)}`;
  }

  async #serve(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    if (head.length > 0) connection.unshift(head);
    const { backend, idleTimeoutMs = 4 * 3_600_000, creationTimeoutMs = 30_000 } = this.#options;
    const refusal = await serveUpgrade(request, connection, {
      backend,
      idleTimeoutMs,
      creationTimeoutMs,
      redeem: (token) => this.#tokens.redeem(token),
    });
    if (refusal) await refuseUpgrade(connection, refusal);
  }

  async #remember(session: Promise<void>): Promise<void> {
    this.#sessions.add(session);
    await session.finally(() => this.#sessions.delete(session));
  }
}
