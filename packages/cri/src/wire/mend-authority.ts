/**
 * Clients built with older gRPC for Go, among them every kubelet up to 1.25, send the path of the socket as `:authority`. Node's HTTP/2
 * takes a "/" there for a broken request and resets the stream; servers in Go never look. So each "/" in the value becomes "-", in
 * place: of equal length in plain text and in HPACK's Huffman code (RFC 7541, appendix B: both have 6 bits), it leaves the
 * tables of both ends as they are. Says whether there was one.
 */
export function mendAuthority(block: Buffer): boolean {
  const value = authorityIn(block);
  if (value === undefined) return false;
  return value.huffman ? mendHuffman(value.bytes) : mendPlain(value.bytes);
}

function mendPlain(bytes: Buffer): boolean {
  const first = bytes.indexOf(slash);
  for (let at = first; at >= 0; at = bytes.indexOf(slash, at + 1)) bytes[at] = dash;
  return first >= 0;
}

const slash = 0x2f;
const dash = 0x2d;
const slashCode = 0b011000;
const dashCode = 0b010110;

/** Index of `:authority` in HPACK's static table. */
const authorityIndex = 1;

/** The value of a literal `:authority`, where it lies in the block; undefined when there is none, or the block is cut off or broken. */
function authorityIn(block: Buffer): { bytes: Buffer; huffman: boolean } | undefined {
  const reader = new BlockReader(block);
  while (reader.hasMore) {
    const first = reader.peek();
    if ((first & 0x80) !== 0) reader.integer(7);
    else if ((first & 0xe0) === 0x20) reader.integer(5);
    else {
      const index = reader.integer((first & 0x40) === 0 ? 4 : 6);
      if (index === 0) reader.string();
      const value = reader.string();
      if (value === undefined || index === authorityIndex) return value;
    }
  }
  return undefined;
}

/** Reads a header block's integers and strings without their meaning (RFC 7541, section 5). */
class BlockReader {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get hasMore(): boolean {
    return this.#at < this.#block.length;
  }

  peek(): number {
    return this.#block[this.#at] ?? 0;
  }

  /** Past the end for what no honest block has: nothing is read any more then. */
  integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#next() & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21 && this.hasMore; shift += 7) {
      const byte = this.#next();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    this.#at = this.#block.length;
    return value;
  }

  string(): { bytes: Buffer; huffman: boolean } | undefined {
    if (!this.hasMore) return undefined;
    const huffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const start = this.#at;
    this.#at += length;
    return this.#at > this.#block.length ? undefined : { bytes: this.#block.subarray(start, this.#at), huffman };
  }

  #next(): number {
    return this.#block[this.#at++] ?? 0;
  }
}

/** Codes have 5 to 8 bits for what paths are made of; at the first longer one, padding included, the walk ends. */
function mendHuffman(bytes: Buffer): boolean {
  const bits = bytes.length * 8;
  let mended = false;
  for (let at = 0; at + 5 <= bits;) {
    const length = codeLength(bitsAt(bytes, at));
    if (length === undefined || at + length > bits) break;
    if (length === 6 && bitsAt(bytes, at) >> 2 === slashCode) {
      putBits(bytes, at, dashCode, 6);
      mended = true;
    }
    at += length;
  }
  return mended;
}

/** The code is canonical: how long one is follows from where its first bits are in order. */
function codeLength(next8: number): number | undefined {
  if (next8 >> 3 < 0x0a) return 5;
  if (next8 >> 2 < 0x2e) return 6;
  if (next8 >> 1 < 0x7c) return 7;
  return next8 < 0xfe ? 8 : undefined;
}

/** Eight bits from a position on; ones behind the end. */
function bitsAt(bytes: Buffer, at: number): number {
  const byte = at >> 3;
  const both = ((bytes[byte] ?? 0xff) << 8) | (bytes[byte + 1] ?? 0xff);
  return (both >> (8 - (at & 7))) & 0xff;
}

function putBits(bytes: Buffer, at: number, value: number, count: number): void {
  for (let bit = 0; bit < count; bit++) {
    const position = at + bit;
    const mask = 0x80 >> (position & 7);
    const byte = bytes[position >> 3] ?? 0;
    bytes[position >> 3] = ((value >> (count - 1 - bit)) & 1) === 1 ? byte | mask : byte & ~mask;
  }
}
