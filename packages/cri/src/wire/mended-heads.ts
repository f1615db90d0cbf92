import { mendAuthority } from "./mend-authority.ts";

const prefaceBytes = 24;
const frameHeadBytes = 9;
const headersFrame = 1;
const padded = 0x08;
const withPriority = 0x20;
/** Frames are no longer unless their receiver says so (RFC 9113, 4.2), and Node does not. */
const longestFrame = 16_384;

/**
 * What a client sends, looked through for the heads of its requests: each `:authority` they spell out is mended. A head may also refer to
 * one before it by its place in HPACK's table, until newer entries (every call has a `grpc-timeout` of its own) have driven it out. A
 * client whose first head needs no mending is not looked at any further.
 */
export class MendedHeads {
  #held: Buffer = Buffer.alloc(0);
  /** Bytes to pass on before the next frame begins. */
  #skip = prefaceBytes;
  #seenHead = false;
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
    while (!this.#done) {
      const step = Math.min(this.#skip, bytes.length - at);
      at += step;
      this.#skip -= step;
      if (this.#skip > 0 || bytes.length - at < frameHeadBytes) return at;
      const length = bytes.readUIntBE(at, 3);
      if (bytes[at + 3] === headersFrame) {
        if (length <= longestFrame && bytes.length - at < frameHeadBytes + length) return at;
        const mended = length <= longestFrame && mendAuthority(headerBlock(bytes.subarray(at, at + frameHeadBytes + length)));
        this.#done = !mended && !this.#seenHead;
        this.#seenHead = true;
      }
      this.#skip = frameHeadBytes + length;
    }
    return bytes.length;
  }
}

/** Of a whole frame, without what may stand before the block; padding behind it does no harm. */
function headerBlock(frame: Buffer): Buffer {
  const flags = frame[4] ?? 0;
  const before = ((flags & padded) === 0 ? 0 : 1) + ((flags & withPriority) === 0 ? 0 : 5);
  return frame.subarray(Math.min(frameHeadBytes + before, frame.length));
}
