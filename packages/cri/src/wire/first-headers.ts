import { mendAuthority } from "./mend-authority.ts";

const prefaceBytes = 24;
const frameHeadBytes = 9;
const headersFrame = 1;
const padded = 0x08;
const withPriority = 0x20;
/** Frames are no longer unless their receiver says so (RFC 9113, 4.2), and Node does not. */
const longestFrame = 16_384;

/**
 * What a client sends, looked through until the head of its first request, whose `:authority` is mended. Later ones refer to
 * that one by its place in HPACK's table.
 */
export class FirstHeaders {
  #held: Buffer = Buffer.alloc(0);
  /** Bytes to pass on before the next frame begins. */
  #skip = prefaceBytes;
  #done = false;

  /** The bytes to hand on: all that came, but for a head that is not whole yet. */
  pass(chunk: Buffer): Buffer {
    if (this.#done) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const passed = this.#passable(bytes);
    this.#held = bytes.subarray(passed);
    return bytes.subarray(0, passed);
  }

  /** How many bytes may go on. */
  #passable(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const step = Math.min(this.#skip, bytes.length - at);
      at += step;
      this.#skip -= step;
      if (this.#skip > 0 || bytes.length - at < frameHeadBytes) return at;
      const length = bytes.readUIntBE(at, 3);
      if (bytes[at + 3] !== headersFrame) {
        this.#skip = frameHeadBytes + length;
        continue;
      }
      if (length <= longestFrame) {
        if (bytes.length - at < frameHeadBytes + length) return at;
        const flags = bytes[at + 4] ?? 0;
        const before = ((flags & padded) === 0 ? 0 : 1) + ((flags & withPriority) === 0 ? 0 : 5);
        const start = at + frameHeadBytes;
        mendAuthority(bytes.subarray(Math.min(start + before, start + length), start + length));
      }
      this.#done = true;
      return bytes.length;
    }
  }
}
