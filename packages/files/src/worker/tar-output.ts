import { readSync } from "node:fs";
import type { TarEntry } from "../tar/tar-entry.ts";
import { encodeHeader, endOfArchive, paddingFor } from "../tar/tar-writer.ts";
import { writeAll } from "./write-all.ts";

const bufferBytes = 1 << 20;

/** Writes a tar to a descriptor, many small entries at a time. */
export class TarOutput {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #used = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Adds an entry; its content is read from `source`. A file that shrank meanwhile is filled up with zeros. */
  add(entry: TarEntry, source?: number): void {
    this.#put(encodeHeader(entry));
    if (source !== undefined && entry.size > 0) this.#copy(source, entry.size);
    this.#put(paddingFor(entry.size));
  }

  end(): void {
    this.#put(endOfArchive);
    this.#flush();
  }

  #put(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#used === this.#buffer.length) this.#flush();
      const count = bytes.copy(this.#buffer, this.#used, at);
      this.#used += count;
      at += count;
    }
  }

  #copy(source: number, size: number): void {
    for (let left = size; left > 0;) {
      if (this.#used === this.#buffer.length) this.#flush();
      const room = Math.min(left, this.#buffer.length - this.#used);
      let count = readSync(source, this.#buffer, this.#used, room, null);
      if (count === 0) {
        this.#buffer.fill(0, this.#used, this.#used + room);
        count = room;
      }
      this.#used += count;
      left -= count;
    }
  }

  #flush(): void {
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
