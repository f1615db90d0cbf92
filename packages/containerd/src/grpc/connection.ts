import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import { connect as connectSocket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isKind } from "@pouchcontainer/errors";
import { keepAlive, type KeepAliveOptions } from "./keep-alive.ts";
import { cannotConnect, clientClosed, connectionLost, doesNotAnswer } from "./status.ts";

/** Bytes containerd may send on a stream before we have read any: content reads of 1 MiB messages need more than HTTP/2's 64 KiB. */
const streamWindowBytes = 4 << 20;
const connectionWindowBytes = 32 << 20;
export interface ConnectionOptions {
  /** Path of the Unix socket. */
  address: string;
  keepAlive: KeepAliveOptions;
  /** A call that a server answers at once, whatever else it does; asked again and again to see whether it is there. */
  probe: (session: ClientHttp2Session) => Promise<unknown>;
  /** Runs on every new connection before any other call uses it. */
  prepare?: (session: ClientHttp2Session) => Promise<void>;
}

/** How long a call waits for a server that was silent before: it fails at once, nearly, instead of after its whole deadline. */
const silentWaitMs = 1000;

/**
 * One HTTP/2 connection that is made when first needed and made again when it was lost. A session is handed out only while it
 * takes new streams; streams already open on a closing one run to their end.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #session: ClientHttp2Session | undefined;
  #connecting: Promise<ClientHttp2Session> | undefined;
  #pending: ClientHttp2Session | undefined;
  #closed = false;
  /** The server took connections and did not answer on them; it may do so again any time. */
  #silent = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  /** The session if it stands now: the fast path without a promise. */
  get established(): ClientHttp2Session | undefined {
    const session = this.#session;
    return session === undefined || session.closed || session.destroyed ? undefined : session;
  }

  async session(): Promise<ClientHttp2Session> {
    const established = this.established;
    if (established !== undefined) return established;
    if (this.#closed) throw clientClosed(this.address);
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#silent ? this.#soon(this.#connecting) : this.#connecting;
  }

  /** Ends the connection and with it every open stream. */
  async close(): Promise<void> {
    this.#closed = true;
    const sessions = [this.#session, this.#pending].filter((session) => session !== undefined && !session.destroyed);
    this.#session = undefined;
    await Promise.all(
      sessions.map((session) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        session?.once("close", () => resolve());
        session?.destroy();
        return promise;
      }),
    );
  }

  async #soon(connecting: Promise<ClientHttp2Session>): Promise<ClientHttp2Session> {
    const settled = new AbortController();
    const late = delay(silentWaitMs, undefined, { signal: settled.signal }).then(() => {
      throw doesNotAnswer(this.address);
    });
    try {
      return await Promise.race([connecting, late]);
    } finally {
      settled.abort();
      // Aborted is how it ends when the connection was there first.
      await late.catch(() => undefined);
    }
  }

  async #connect(): Promise<ClientHttp2Session> {
    const session = await this.#open();
    this.#pending = session;
    try {
      await this.#options.prepare?.(session);
    } catch (error) {
      session.destroy();
      if (!isKind(error, "deadlineExceeded")) throw error;
      this.#silent = true;
      throw doesNotAnswer(this.address, error);
    } finally {
      this.#pending = undefined;
    }
    if (this.#closed || session.closed || session.destroyed) {
      session.destroy();
      throw connectionLost(this.address);
    }
    const forget = () => {
      if (this.#session === session) this.#session = undefined;
    };
    session.once("close", forget);
    session.once("goaway", forget);
    keepAlive(session, this.#options.keepAlive, this.#options.probe, () => {
      this.#silent = true;
      forget();
      session.destroy(doesNotAnswer(this.address));
    });
    this.#silent = false;
    this.#session = session;
    return session;
  }

  async #open(): Promise<ClientHttp2Session> {
    const { promise, resolve, reject } = Promise.withResolvers<ClientHttp2Session>();
    const session = connectHttp2("http://containerd", {
      createConnection: () => connectSocket(this.address),
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      // In MB. Open calls count: at the default of 10 Node refuses more than some 16,000 at once.
      maxSessionMemory: 1024,
    });
    session.once("connect", () => {
      session.setLocalWindowSize(connectionWindowBytes);
      resolve(session);
    });
    // Streams get their own error; without a listener here the process would end.
    session.on("error", (error: Error) => reject(cannotConnect(this.address, error)));
    session.once("close", () => reject(connectionLost(this.address)));
    return promise;
  }
}
