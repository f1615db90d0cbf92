import type { ByteSource } from "../tar/byte-source.ts";

/** Bytes that are all there, handed out in small pieces where that is allowed. */
export class BufferSource implements ByteSource {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += taken.length;
    return taken;
  }

  takeSome(count: number): Buffer {
    return this.take(Math.min(count, 700));
  }
}
