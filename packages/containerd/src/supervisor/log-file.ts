import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from "node:fs";
import { errorCodeOf } from "./error-code.ts";

const tailBytes = 16 << 10;

/**
 * Where containerd writes, itself: a pipe to us would end it with SIGPIPE when we die. Opened for appending, so it can be cut
 * while containerd has it open.
 */
export class LogFile {
  readonly path: string;
  readonly #maxBytes: number;

  constructor(path: string, maxBytes: number) {
    this.path = path;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    try {
      return statSync(this.path).size;
    } catch (error) {
      if (errorCodeOf(error) === "ENOENT") return 0;
      throw error;
    }
  }

  /** The caller closes the descriptor. */
  open(): number {
    return openSync(this.path, "a", 0o600);
  }

  /** Keeps one older file once this one is too large. */
  rotate(): void {
    if (this.size <= this.#maxBytes) return;
    copyFileSync(this.path, `${this.path}.1`);
    truncateSync(this.path);
  }

  /** The last lines written since `offset`. */
  lastLines(offset: number, count: number): string[] {
    const fd = openSync(this.path, "r");
    try {
      const { size } = fstatSync(fd);
      const start = Math.max(offset > size ? 0 : offset, size - tailBytes);
      const buffer = Buffer.alloc(size - start);
      readSync(fd, buffer, 0, buffer.length, start);
      return buffer.toString().split("\n").filter(Boolean).slice(-count);
    } finally {
      closeSync(fd);
    }
  }
}
