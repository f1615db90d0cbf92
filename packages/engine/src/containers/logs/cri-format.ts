import { rfc3339NanoFixed } from "../clock.ts";
import type { EntryFormatter, EntrySink, LogStream } from "./log-driver.ts";

/** A line longer than this, its newline not counted, is cut into several entries (containerd's `max_container_log_line_size`). */
export const maxCriLineBytes = 16 * 1024;

const newline = 10;

/**
 * Turns one stream's bytes into entries of CRI's log format: `<RFC 3339 time> <stream> <tag> <text>`, where the tag `F` ends a line
 * and `P` says that more of it follows. The bytes stay what they are, UTF-8 or not: a string here has one character for each of them.
 */
export class CriFormatter implements EntryFormatter {
  readonly #stream: LogStream;
  /** The unfinished line, at most `maxCriLineBytes` of it. Its bytes are its own: chunks come in a buffer that is used again. */
  #pending: Buffer = Buffer.alloc(0);

  constructor(stream: LogStream) {
    this.#stream = stream;
  }

  get pending(): Buffer {
    return this.#pending;
  }

  restore(pending: Buffer): void {
    this.#pending = pending;
  }

  write(chunk: Buffer, time: bigint, sink: EntrySink): void {
    const head = `${rfc3339NanoFixed(time)} ${this.#stream} `;
    const lastEnd = chunk.lastIndexOf(newline);
    if (lastEnd === -1) return this.#keep(chunk, head, sink);
    let start = 0;
    if (this.#pending.length > 0) {
      const end = chunk.indexOf(newline);
      this.#line(Buffer.concat([this.#pending, chunk.subarray(0, end)]), head, sink);
      this.#pending = Buffer.alloc(0);
      start = end + 1;
    }
    if (start <= lastEnd) this.#wholeLines(chunk.subarray(start, lastEnd), head, sink);
    if (lastEnd + 1 < chunk.length) this.#keep(chunk.subarray(lastEnd + 1), head, sink);
  }

  /** What has no newline is no whole line. */
  end(time: bigint, sink: EntrySink): void {
    if (this.#pending.length > 0) entry(`${rfc3339NanoFixed(time)} ${this.#stream} P `, this.#pending, sink);
    this.#pending = Buffer.alloc(0);
  }

  /** Lines with their newlines between them; the last newline is left out. */
  #wholeLines(lines: Buffer, head: string, sink: EntrySink): void {
    if (!hasLongLine(lines)) return sink.append(`${head}F ${lines.toString("latin1").replaceAll("\n", `\n${head}F `)}\n`, true);
    for (let start = 0; start <= lines.length;) {
      const found = lines.indexOf(newline, start);
      const end = found === -1 ? lines.length : found;
      this.#line(lines.subarray(start, end), head, sink);
      start = end + 1;
    }
  }

  #line(line: Buffer, head: string, sink: EntrySink): void {
    entry(`${head}F `, this.#cutLong(line, head, sink), sink);
  }

  #keep(more: Buffer, head: string, sink: EntrySink): void {
    this.#pending = Buffer.from(this.#cutLong(Buffer.concat([this.#pending, more]), head, sink));
  }

  /** Writes the full pieces of a long line and returns what is left, which is never nothing. */
  #cutLong(line: Buffer, head: string, sink: EntrySink): Buffer {
    let rest = line;
    for (; rest.length > maxCriLineBytes; rest = rest.subarray(maxCriLineBytes))
      entry(`${head}P `, rest.subarray(0, maxCriLineBytes), sink);
    return rest;
  }
}

function entry(head: string, text: Buffer, sink: EntrySink): void {
  sink.append(`${head}${text.toString("latin1")}\n`, true);
}

/** Looks at one place in every 16 KiB instead of at every line. */
function hasLongLine(lines: Buffer): boolean {
  for (let start = 0; lines.length - start > maxCriLineBytes;) {
    const end = lines.lastIndexOf(newline, start + maxCriLineBytes);
    if (end < start) return true;
    start = end + 1;
  }
  return false;
}
