import { internal, invalidArgument, notImplemented, resourceExhausted } from "@pouchcontainer/errors";

/** Of a message: a flag, and four bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const prefixBytes = 5;

/** A message as it goes over the wire. */
export function framedMessage(message: Uint8Array, limitBytes: number): Buffer {
  if (message.length > limitBytes)
    throw resourceExhausted(`the answer has ${message.length} bytes, more than the limit of ${limitBytes}`);
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}

/** Reads the one message that a request has. Whatever is wrong with it is thrown as soon as it can be told. */
export class RequestMessage {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < prefixBytes) return;
    const [flag, length] = this.#prefix();
    if (flag !== 0) throw notImplemented("the request is compressed, which was not offered");
    if (length > this.#limitBytes)
      throw resourceExhausted(`the request has ${length} bytes, more than the limit of ${this.#limitBytes}`);
    if (this.#bytes > prefixBytes + length) throw invalidArgument("the request has more than its one message");
  }

  /** What came, when nothing comes any more. */
  end(): Buffer {
    if (this.#bytes < prefixBytes || this.#bytes < prefixBytes + this.#prefix()[1])
      throw internal(`the request ends after ${this.#bytes} bytes, before its message does`);
    return this.#joined().subarray(prefixBytes);
  }

  #prefix(): [flag: number, length: number] {
    const [first] = this.#chunks;
    const head = first !== undefined && first.length >= prefixBytes ? first : this.#joined();
    return [head[0] ?? 0, head.readUInt32BE(1)];
  }

  /** In one piece, which it stays: to join them for each that comes would take their number times their length. */
  #joined(): Buffer {
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}
