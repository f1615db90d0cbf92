import { createServer, type ListenOptions, type Server, type ServerOpts, type Socket } from "node:net";
import { ownConnection } from "./connection.ts";
import { duringOperation, type Operation } from "./operation.ts";

export interface ConnectionServerOptions extends ServerOpts {
  /** Where it listens: an address, or a socket that was made elsewhere and is taken over. */
  listen: ListenOptions & { fd?: number };
  /** What its connections are for. */
  operation: Operation;
  onConnection: (connection: Socket) => void;
  /** Told when it cannot listen or accept. Default: silence, as when nobody listened. */
  onError?: (error: Error) => void;
}

/** A server of plain connections with an owner: a connection that breaks is destroyed, a failed accept is heard. */
export class ConnectionServer {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor({ listen, operation, onConnection, onError, ...options }: ConnectionServerOptions) {
    this.#server = createServer(options, (connection) => {
      this.#open.add(ownConnection(connection));
      connection.once("close", () => this.#open.delete(connection));
      // Node calls the listeners of an accepted connection outside of any operation.
      const emit = connection.emit.bind(connection);
      connection.emit = (...event: Parameters<typeof emit>) => duringOperation(operation, () => emit(...event));
      duringOperation(operation, () => onConnection(connection));
    });
    this.#server.on("error", onError ?? (() => undefined));
    this.#server.listen(listen);
    // The daemon's life hangs on its API, not on what it serves for containers.
    this.#server.unref();
  }

  /** The port it listens on; undefined where that is no port, or not yet. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === "object" ? address?.port : undefined;
  }

  /** Takes no new connections and breaks off those that are open. */
  close(): void {
    this.#server.close();
    for (const connection of this.#open) connection.destroy();
  }
}
