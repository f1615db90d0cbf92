const headerBytes = 8;

/**
 * Takes apart Docker's multiplexed stream: frames of `[stream, 0, 0, 0, length as 32-bit big-endian]` and payload. Payload is passed
 * on as it arrives, not when its frame is whole.
 */
export class Demultiplexer {
  readonly #emit: (stream: "stdout" | "stderr", data: Uint8Array) => void;
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #left = 0;
  #stream: "stdout" | "stderr" = "stdout";

  constructor(emit: (stream: "stdout" | "stderr", data: Uint8Array) => void) {
    this.#emit = emit;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const piece = chunk.subarray(at, at + this.#left);
        this.#emit(this.#stream, piece);
        this.#left -= piece.length;
        at += piece.length;
        continue;
      }
      const wanted = Math.min(headerBytes - this.#headerFilled, chunk.length - at);
      this.#header.set(chunk.subarray(at, at + wanted), this.#headerFilled);
      this.#headerFilled += wanted;
      at += wanted;
      if (this.#headerFilled === headerBytes) this.#readHeader();
    }
  }

  #readHeader(): void {
    this.#headerFilled = 0;
    const kind = this.#header[0];
    if (kind === undefined || kind > 3) throw new Error(`Unrecognized input header: ${kind}`);
    this.#stream = kind === 2 || kind === 3 ? "stderr" : "stdout";
    this.#left = new DataView(this.#header.buffer).getUint32(4);
  }
}
