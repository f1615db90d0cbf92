import { isAscii } from "node:buffer";
import { rfc3339Nano } from "../clock.ts";
import type { EntryFormatter, EntrySink } from "./log-driver.ts";

/** Docker cuts lines longer than this into several entries; only the last of them ends in a newline. */
export const maxLineBytes = 16 * 1024;

const newline = 10;
const backslash = 92;
const opening = '{"log":"';

/**
 * Turns one stream's bytes into json-file entries. A chunk goes through JSON.stringify as a whole and its escaped newlines
 * become the ends of entries; only a chunk with backslashes, with a line to cut or at the end of a file is taken line by
 * line. What follows the last newline is kept until its line ends.
 */
export class JsonFormatter implements EntryFormatter {
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

  restore(pending: Buffer): void {
    this.#pending = pending;
  }

  write(chunk: Buffer, now: bigint, sink: EntrySink): void {
    const time = rfc3339Nano(now);
    let start = 0;
    if (this.#pending.length > 0 || this.#lineTime !== undefined) {
      const end = chunk.indexOf(newline);
      if (end === -1) return this.#keep(Buffer.concat([this.#pending, chunk]), time, sink);
      this.#finishLine(Buffer.concat([this.#pending, chunk.subarray(0, end)]), time, sink);
      start = end + 1;
    }
    const end = chunk.lastIndexOf(newline) + 1;
    if (end > start) this.#wholeLines(chunk.subarray(start, end), time, sink);
    if (Math.max(start, end) < chunk.length) this.#keep(chunk.subarray(Math.max(start, end)), time, sink);
  }

  /** The stream ended: what is left becomes an entry without a newline, as Docker writes it. */
  end(now: bigint, sink: EntrySink): void {
    if (this.#pending.length > 0) this.#entry(this.#pending, "", this.#lineTime ?? rfc3339Nano(now), sink);
    this.#pending = Buffer.alloc(0);
    this.#lineTime = undefined;
  }

  #wholeLines(lines: Buffer, time: string, sink: EntrySink): void {
    if (!lines.includes(backslash) && !hasLongLine(lines)) {
      const ascii = isAscii(lines);
      const closing = `\\n${this.#tail}${time}"}\n`;
      // Without backslashes in the text, every \n of the JSON is a newline of it.
      const json = JSON.stringify(lines.toString(ascii ? "latin1" : "utf8"));
      const entries = `${opening}${json.slice(1, -3).replaceAll("\\n", closing + opening)}${closing}`;
      if (entries.length < sink.roomBytes) return sink.append(entries, ascii);
    }
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(newline, start);
      this.#finishLine(lines.subarray(start, end), time, sink);
      start = end + 1;
    }
  }

  #finishLine(line: Buffer, time: string, sink: EntrySink): void {
    this.#entry(this.#cutLong(line, time, sink), "\\n", this.#lineTime ?? time, sink);
    this.#pending = Buffer.alloc(0);
    this.#lineTime = undefined;
  }

  #keep(line: Buffer, time: string, sink: EntrySink): void {
    this.#pending = Buffer.from(this.#cutLong(line, time, sink));
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
    // Invalid UTF-8 becomes U+FFFD, as in Docker's files.
    const text = JSON.stringify(line.toString("utf8")).slice(1, -1);
    sink.append(`${opening}${text}${lineEnd}${this.#tail}${time}"}\n`, false);
  }
}

/** Looks at one place in every 16 KiB instead of at every line. */
function hasLongLine(lines: Buffer): boolean {
  for (let start = 0; start + maxLineBytes <= lines.length;) {
    const end = lines.lastIndexOf(newline, start + maxLineBytes - 1);
    if (end < start) return true;
    start = end + 1;
  }
  return false;
}

/** The largest size up to `limit` that does not cut a UTF-8 character; `limit` itself when the bytes are no UTF-8. */
function characterBoundary(bytes: Buffer, limit: number): number {
  for (let size = limit; size > limit - 4; size--) {
    const next = bytes[size];
    if (next === undefined || (next & 0xc0) !== 0x80) return size;
  }
  return limit;
}
