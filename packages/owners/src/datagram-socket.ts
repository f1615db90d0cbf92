import { createSocket, type RemoteInfo, type Socket } from "node:dgram";

/** Address and port of the other side. */
export interface Peer {
  address: string;
  port: number;
}

export interface DatagramOptions {
  family: 4 | 6;
  /** A socket that was made elsewhere (in another namespace); it is taken over. */
  fd?: number;
  /** Talks to this peer only: `send` needs none, and a peer that refuses is an error. */
  connectTo?: Peer;
  onMessage: (message: Buffer, from: RemoteInfo) => void;
  /**
   * Told of every failure: no route, a peer that refuses, a port that is none. Never called after `close`, nor before the
   * constructor returns. Default: silence, as with a datagram that is lost on its way.
   */
  onError?: (error: Error) => void;
}

/**
 * A UDP socket with an owner. Node throws from `send`, `connect` and `close`, hands errors to callbacks and emits them, each for
 * its own set of causes; here all of them end in `onError`, and nothing throws.
 */
export class DatagramSocket {
  readonly #socket: Socket;
  readonly #onError: (error: Error) => void;
  #closed = false;
  /** What is sent before the peer is known to the kernel. */
  #waiting: (() => void)[] | undefined;

  constructor({ family, fd, connectTo, onMessage, onError }: DatagramOptions) {
    this.#onError = onError ?? (() => undefined);
    this.#socket = createSocket(family === 4 ? "udp4" : "udp6");
    this.#socket.on("error", (error) => this.#failed(error));
    this.#socket.on("message", (message, from) => {
      if (!this.#closed) onMessage(message, from);
    });
    if (fd !== undefined) this.#attempt(() => this.#socket.bind({ fd }));
    if (connectTo === undefined) return;
    this.#waiting = [];
    this.#attempt(() =>
      // Node hands this callback an error, though its types do not say so.
      this.#socket.connect(connectTo.port, connectTo.address, (error?: Error) => {
        const waiting = this.#waiting ?? [];
        this.#waiting = undefined;
        if (error !== undefined) this.#failed(error);
        else for (const send of waiting) send();
      }),
    );
  }

  /** Sends to a peer; without one to that of `connectTo`. After `close` nothing happens. */
  send(message: Uint8Array, to?: Peer): void {
    const send = (): void =>
      this.#attempt(() => {
        const sent = (error: Error | null): void => {
          if (error !== null) this.#failed(error);
        };
        if (to === undefined) this.#socket.send(message, sent);
        else this.#socket.send(message, to.port, to.address, sent);
      });
    if (this.#waiting === undefined) send();
    else this.#waiting.push(send);
  }

  /** The process may end while the socket is open. */
  unref(): this {
    this.#socket.unref();
    return this;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#socket.close();
    } catch {
      // A failed bind has closed it.
    }
  }

  #attempt(action: () => void): void {
    if (this.#closed) return;
    try {
      action();
    } catch (error) {
      process.nextTick(() => this.#failed(error instanceof Error ? error : new Error(String(error))));
    }
  }

  #failed(error: Error): void {
    if (!this.#closed) this.#onError(error);
  }
}
