import { internal, resourceExhausted } from "@pouchcontainer/errors";

/** Length of the prefix before each message: one flag byte, four bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const prefixLength = 5;

/** A message as it goes over the wire, in one buffer. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixLength + message.length);
  writePrefix(framed, message.length);
  framed.set(message, prefixLength);
  return framed;
}

/** The prefix and `head` in one buffer; the caller sends `tailLength` further bytes itself, so that large payloads are not copied. */
export function frameHead(head: Uint8Array, tailLength: number): Buffer {
  const framed = Buffer.allocUnsafe(prefixLength + head.length);
  writePrefix(framed, head.length + tailLength);
  framed.set(head, prefixLength);
  return framed;
}

function writePrefix(target: Buffer, length: number): void {
  target[0] = 0;
  target.writeUInt32BE(length, 1);
}

/** Cuts a byte stream into messages, however the stream was cut into chunks. */
export class FrameReader {
  readonly #maxMessageBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** The messages completed by this chunk. Throws when the peer sends what a client must not accept. */
  push(chunk: Buffer): Uint8Array[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const messages: Uint8Array[] = [];
    for (;;) {
      const length = this.#nextLength();
      if (length === undefined || this.#buffered < prefixLength + length) return messages;
      const whole = this.#joined();
      messages.push(whole.subarray(prefixLength, prefixLength + length));
      const rest = whole.subarray(prefixLength + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#buffered = rest.length;
    }
  }

  /** Whether the stream may end here: not in the middle of a message. */
  get complete(): boolean {
    return this.#buffered === 0;
  }

  #nextLength(): number | undefined {
    if (this.#buffered < prefixLength) return undefined;
    const first = this.#chunks[0];
    const head = first !== undefined && first.length >= prefixLength ? first : this.#joined();
    if (head[0] !== 0) throw internal("containerd sent a compressed message although none was asked for");
    const length = head.readUInt32BE(1);
    if (length > this.#maxMessageBytes) {
      throw resourceExhausted(`containerd sent a message of ${length} bytes, more than the limit of ${this.#maxMessageBytes}`);
    }
    return length;
  }

  #joined(): Buffer {
    const whole = this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}
