/** Bytes that came in pieces, and are taken in others. */
export class ByteQueue {
  readonly #chunks: Buffer[] = [];
  length = 0;

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  /** Exactly so many; there have to be as many. */
  take(count: number): Buffer {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0;) {
      const part = this.takeSome(missing);
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, count);
  }

  /** What lies together, at most so many, without copying; nothing where there is nothing. */
  takeSome(most: number): Buffer {
    const first = this.#chunks[0];
    if (first === undefined || most === 0) return Buffer.alloc(0);
    const part = first.subarray(0, most);
    if (part.length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(part.length);
    this.length -= part.length;
    return part;
  }
}
