import { ownConnection } from "@pouchcontainer/owners";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** All PEM. */
export interface TlsMaterial {
  cert: string;
  key: string;
  /** Clients have to show a certificate that this one signed. Absent: the token in the URL is enough. */
  clientCa?: string;
}

export interface HttpListenerOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  tls?: TlsMaterial;
  /** More are not accepted. */
  maxConnections: number;
  /** A request that asks for another protocol; errors of the connection have an owner. */
  onUpgrade: (request: IncomingMessage, connection: Duplex, head: Buffer) => void;
  onRequest: (request: IncomingMessage, response: ServerResponse) => void;
}

/** For a client to send its request. */
const patienceMilliseconds = 10_000;

/** An HTTP/1.1 server for upgrades, which knows its connections also after they were upgraded. */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    const { tls, maxConnections, onUpgrade, onRequest } = options;
    const settings = {
      headersTimeout: patienceMilliseconds,
      requestTimeout: patienceMilliseconds,
      connectionsCheckingInterval: patienceMilliseconds,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      noDelay: true,
    };
    this.#server = tls
      ? createTlsServer({
          ...settings,
          cert: tls.cert,
          key: tls.key,
          minVersion: "TLSv1.2",
          handshakeTimeout: patienceMilliseconds,
          ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
        })
      : createServer(settings);
    this.#server.maxConnections = maxConnections;
    this.#server.on("connection", (connection: Socket) => {
      this.#open.add(ownConnection(connection));
      connection.once("close", () => this.#open.delete(connection));
    });
    this.#server.on("secureConnection", (connection: Socket) => ownConnection(connection));
    this.#server.on("clientError", (_error, connection) => connection.destroy());
    // What fails with a connection that is no client's yet ends that connection.
    this.#server.on("tlsClientError", () => undefined);
    this.#server.on("error", () => undefined);
    this.#server.on("upgrade", (request, connection, head) => onUpgrade(request, ownConnection(connection), head));
    this.#server.on("request", onRequest);
  }

  /** Listens; rejects with the system's error. Resolves to the port. */
  async listen(): Promise<number> {
    this.#server.listen({ host: this.#options.host, port: this.#options.port });
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : this.#options.port;
  }

  /** Takes no new connections and breaks off those that are open. */
  close(): void {
    this.#server.close();
    for (const connection of this.#open) connection.destroy();
  }
}
