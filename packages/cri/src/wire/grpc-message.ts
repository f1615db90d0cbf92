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
  readonly #chunks: Buffer[] = [];
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
    const whole = Buffer.concat(this.#chunks);
    if (this.#bytes < prefixBytes || this.#bytes < prefixBytes + this.#prefix()[1])
      throw internal(`the request ends after ${this.#bytes} bytes, before its message does`);
    return whole.subarray(prefixBytes);
  }

  #prefix(): [flag: number, length: number] {
    const [first = Buffer.alloc(0)] = this.#chunks;
    const head = first.length >= prefixBytes ? first : Buffer.concat(this.#chunks);
    return [head[0] ?? 0, head.readUInt32BE(1)];
  }
}
