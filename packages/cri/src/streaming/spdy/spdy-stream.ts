import { Duplex } from "node:stream";

/** What a stream needs of its connection. */
export interface StreamCarrier {
  send(streamId: number, payload: Buffer, fin: boolean, done: (error?: Error) => void): void;
  /** The stream is over; `ended`: our side was, in good order; else the client is told. */
  release(streamId: number, ended: boolean): void;
}

const bufferBytes = 64 << 10;
const nothing = Buffer.alloc(0);

/** A stream that a client has made: both ends can be closed on their own. Destroyed before its end, it is reset. */
export class SpdyStream extends Duplex {
  readonly id: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly #carrier: StreamCarrier;
  #ended = false;
  #wanted: (() => void) | undefined;

  constructor(id: number, headers: ReadonlyMap<string, string>, carrier: StreamCarrier) {
    super({ readableHighWaterMark: bufferBytes, writableHighWaterMark: bufferBytes });
    this.id = id;
    this.headers = headers;
    this.#carrier = carrier;
    // A stream that breaks is destroyed, and its `close` tells.
    this.on("error", () => undefined);
    this.once("close", () => this.#wanted?.());
  }

  /** Takes what the client sent. Where it is more than anybody wants: settles when somebody does, or nobody will. */
  receive(chunk: Buffer): Promise<void> | undefined {
    if (this.#ended || this.destroyed || chunk.length === 0 || this.push(chunk)) return undefined;
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }

  /** The client has ended its side. */
  receiveEnd(): void {
    if (this.#ended || this.destroyed) return;
    this.#ended = true;
    this.push(null);
  }

  override _read(): void {
    this.#wanted?.();
    this.#wanted = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#carrier.send(this.id, chunk, false, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#carrier.send(this.id, nothing, true, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#carrier.release(this.id, this.writableFinished);
    done(error);
  }
}
