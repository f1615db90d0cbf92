import { Duplex } from "node:stream";

/** What a channel needs of its connection. */
export interface ChannelCarrier {
  send(channel: number, chunk: Buffer, done: (error?: Error) => void): void;
  /** Somebody reads the channel again, or nobody will. */
  wanted(channel: number): void;
}

const bufferBytes = 64 << 10;

/** One channel of a WebSocket. Its end cannot be told to the client but by closing the whole connection. */
export class ChannelStream extends Duplex {
  readonly #number: number;
  readonly #carrier: ChannelCarrier;
  #ended = false;

  constructor(number: number, carrier: ChannelCarrier) {
    super({ readableHighWaterMark: bufferBytes, writableHighWaterMark: bufferBytes });
    this.#number = number;
    this.#carrier = carrier;
    // A stream that breaks is destroyed, and its `close` tells.
    this.on("error", () => undefined);
  }

  /** Takes what the client sent; false when it is more than anybody wants. */
  receive(chunk: Buffer): boolean {
    return this.#ended || this.destroyed || chunk.length === 0 || this.push(chunk);
  }

  /** The client has ended its side. */
  receiveEnd(): void {
    if (this.#ended || this.destroyed) return;
    this.#ended = true;
    this.push(null);
  }

  override _read(): void {
    this.#carrier.wanted(this.#number);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#carrier.send(this.#number, chunk, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#carrier.wanted(this.#number);
    done(error);
  }
}
