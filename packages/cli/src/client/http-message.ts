/** Reads an HTTP/1.1 response from a stream of chunks: head, then a body by chunks, by length, or until the end (RFC 9112). */

export interface ResponseHead {
  status: number;
  reason: string;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
}

const maxHeadBytes = 256 * 1024;

/** Takes exact pieces out of chunks as they come. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffered: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The text up to and without `delimiter`. */
  async readUntil(delimiter: string): Promise<string> {
    const mark = Buffer.from(delimiter);
    let from = 0;
    for (;;) {
      const view = Buffer.from(this.#buffered.buffer, this.#buffered.byteOffset, this.#buffered.length);
      const at = view.indexOf(mark, from);
      if (at !== -1) {
        this.#buffered = this.#buffered.subarray(at + mark.length);
        return view.toString("latin1", 0, at);
      }
      if (view.length > maxHeadBytes) throw new Error("the daemon sent a header that is too long");
      from = Math.max(0, view.length - mark.length);
      const more = await this.#source.next();
      if (more.done === true) throw new Error("the daemon closed the connection in the middle of an answer");
      this.#buffered = view.length === 0 ? more.value : Buffer.concat([view, more.value]);
    }
  }

  /** Up to `limit` bytes as soon as there are any; undefined at the end of the stream. */
  async readSome(limit: number): Promise<Uint8Array | undefined> {
    if (this.#buffered.length === 0) {
      const more = await this.#source.next();
      if (more.done === true) return undefined;
      this.#buffered = more.value;
    }
    const piece = this.#buffered.subarray(0, limit);
    this.#buffered = this.#buffered.subarray(piece.length);
    return piece;
  }
}

export async function readHead(reader: ByteReader): Promise<ResponseHead> {
  const [statusLine = "", ...lines] = (await reader.readUntil("\r\n\r\n")).split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine);
  if (match === null) throw new Error(`this is no HTTP server: it answered "${statusLine.slice(0, 60)}"`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const head = { status: Number(match[1]), reason: match[2] ?? "", headers };
  // 100 Continue and its like only announce the real head; 101 is the answer to an upgrade.
  return head.status >= 100 && head.status < 200 && head.status !== 101 ? await readHead(reader) : head;
}

/** The body that belongs to a head. */
export async function* readBody(reader: ByteReader, head: ResponseHead): AsyncGenerator<Uint8Array> {
  const length = head.headers.get("content-length");
  if (head.status === 204 || head.status === 304) return;
  if (/\bchunked\b/i.test(head.headers.get("transfer-encoding") ?? "")) yield* readChunked(reader);
  else if (length !== undefined) yield* readExactly(reader, Number(length));
  else yield* readRest(reader);
}

async function* readChunked(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (;;) {
    const line = await reader.readUntil("\r\n");
    const size = Number.parseInt(line, 16);
    if (Number.isNaN(size)) throw new Error(`the daemon sent a broken chunk header "${line.slice(0, 20)}"`);
    if (size === 0) break;
    yield* readExactly(reader, size);
    await reader.readUntil("\r\n");
  }
  while ((await reader.readUntil("\r\n")) !== "");
}

async function* readExactly(reader: ByteReader, length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0;) {
    const piece = await reader.readSome(left);
    if (piece === undefined) throw new Error("the daemon closed the connection in the middle of an answer");
    left -= piece.length;
    yield piece;
  }
}

/** Everything up to the end of the connection. */
export async function* readRest(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (let piece = await reader.readSome(Infinity); piece !== undefined; piece = await reader.readSome(Infinity)) yield piece;
}
