/** Bytes Docker's json-file must not hold raw: controls, `"`, `\`, and everything above ASCII (checked as UTF-8). */
// eslint-disable-next-line no-control-regex -- finding control characters is the point
const needsEscape = /[^\n\x20-\x21\x23-\x5b\x5d-\x7e]/;

/** Docker cuts lines longer than this into several entries; only the last of them ends in a newline. */
export const maxLineBytes = 16 * 1024;

const newline = 10;
const opening = Buffer.from('{"log":"');

export interface EntrySink {
  /** Where the next entry goes: at least `size` bytes are free at the returned offset of `buffer`. Called once per entry. */
  reserve(size: number): number;
  readonly buffer: Buffer;
  /** Ends the entry `reserve` began. */
  commit(end: number): void;
}

/**
 * Turns one stream's bytes into json-file entries. A chunk without anything to escape is copied line by line between two
 * ready-made pieces; one with escapes goes through JSON.stringify. What follows the last newline is kept until its line ends.
 */
export class LineFormatter {
  readonly #tail: string;
  /** The unfinished line. Its bytes are its own: chunks come in a buffer that is used again. */
  #pending: Buffer = Buffer.alloc(0);
  /** Time of the first piece when a long line is cut: its other pieces carry it too. */
  #lineTime: string | undefined;

  constructor(stream: "stdout" | "stderr", attrs?: Record<string, string>) {
    const attributes = attrs && Object.keys(attrs).length > 0 ? `,"attrs":${JSON.stringify(attrs)}` : "";
    this.#tail = `","stream":"${stream}"${attributes},"time":"`;
  }

  get pending(): Buffer {
    return this.#pending;
  }

  /** Takes up an unfinished line that an earlier daemon left. */
  restore(pending: Buffer): void {
    this.#pending = pending;
  }

  write(chunk: Buffer, time: string, sink: EntrySink): void {
    const clean = !needsEscape.test(chunk.toString("latin1")) && !needsEscape.test(this.#pending.toString("latin1"));
    const closing = Buffer.from(`\\n${this.#tail}${time}"}\n`);
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      if (this.#pending.length > 0 || this.#lineTime !== undefined || end - start >= maxLineBytes) {
        this.#finishLine(Buffer.concat([this.#pending, chunk.subarray(start, end)]), time, sink);
      } else if (clean) {
        let at = sink.reserve(opening.length + end - start + closing.length);
        at += opening.copy(sink.buffer, at);
        at += chunk.copy(sink.buffer, at, start, end);
        at += closing.copy(sink.buffer, at);
        sink.commit(at);
      } else {
        this.#entry(chunk.subarray(start, end), "\\n", time, sink);
      }
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(Buffer.concat([this.#pending, chunk.subarray(start)]), time, sink);
  }

  /** The stream ended: what is left becomes an entry without a newline, as Docker writes it. */
  end(time: string, sink: EntrySink): void {
    if (this.#pending.length > 0) this.#entry(this.#pending, "", this.#lineTime ?? time, sink);
    this.#pending = Buffer.alloc(0);
    this.#lineTime = undefined;
  }

  #finishLine(line: Buffer, time: string, sink: EntrySink): void {
    const rest = this.#cutLong(line, time, sink);
    this.#entry(rest, "\\n", this.#lineTime ?? time, sink);
    this.#pending = Buffer.alloc(0);
    this.#lineTime = undefined;
  }

  #keep(line: Buffer, time: string, sink: EntrySink): void {
    const rest = this.#cutLong(line, time, sink);
    this.#pending = rest === line ? line : Buffer.from(rest);
  }

  /** Writes the full pieces of a long line and returns what is left. */
  #cutLong(line: Buffer, time: string, sink: EntrySink): Buffer {
    let rest = line;
    while (rest.length >= maxLineBytes) {
      this.#lineTime ??= time;
      const size = characterBoundary(rest, maxLineBytes);
      this.#entry(rest.subarray(0, size), "", this.#lineTime, sink);
      rest = rest.subarray(size);
    }
    return rest;
  }

  #entry(line: Buffer, lineEnd: "\\n" | "", time: string, sink: EntrySink): void {
    // JSON.stringify's own quotes are the entry's; invalid UTF-8 becomes U+FFFD, as in Docker's files.
    const text = `{"log":${JSON.stringify(line.toString("utf8")).slice(0, -1)}${lineEnd}${this.#tail}${time}"}\n`;
    const at = sink.reserve(Buffer.byteLength(text));
    sink.commit(at + sink.buffer.write(text, at));
  }
}

/** The largest size up to `limit` that does not cut a UTF-8 character; `limit` itself when the bytes are no UTF-8. */
function characterBoundary(bytes: Buffer, limit: number): number {
  for (let size = limit; size > limit - 4; size--) {
    const next = bytes[size];
    if (next === undefined || (next & 0xc0) !== 0x80) return size;
  }
  return limit;
}
