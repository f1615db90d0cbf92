import { internal } from "@pouchcontainer/errors";
import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { OutputChunk } from "./output-chunk.ts";

const headerBytes = 5;

/** A queue of output on disk, without a name, for a client that reads slower than its container writes. */
export class SpillFile {
  readonly #fd: number;
  #writeAt = 0;
  #readAt = 0;

  constructor(directory: string) {
    const path = join(directory, `.output-${randomUUID()}`);
    this.#fd = openSync(path, "wx+", 0o600);
    try {
      rmSync(path);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get waitingBytes(): number {
    return this.#writeAt - this.#readAt;
  }

  /** Whole or not at all: what a full disk took of a chunk is written over by the next one. */
  push({ stream, data }: OutputChunk): void {
    const header = Buffer.alloc(headerBytes);
    header[0] = stream === "stdout" ? 1 : 2;
    header.writeUInt32BE(data.length, 1);
    let end = this.#writeAt;
    for (const part of [header, data]) {
      for (let done = 0; done < part.length;) done += writeSync(this.#fd, part, done, part.length - done, end + done);
      end += part.length;
    }
    this.#writeAt = end;
  }

  shift(): OutputChunk | undefined {
    if (this.waitingBytes === 0) return undefined;
    const header = this.#read(headerBytes);
    const chunk: OutputChunk = { stream: header[0] === 1 ? "stdout" : "stderr", data: this.#read(header.readUInt32BE(1)) };
    if (this.waitingBytes === 0) {
      ftruncateSync(this.#fd);
      this.#readAt = this.#writeAt = 0;
    }
    return chunk;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(length: number): Buffer {
    const into = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const read = readSync(this.#fd, into, done, length - done, this.#readAt + done);
      if (read === 0) throw internal("the file of output that waits for a slow client is shorter than what was written to it");
      done += read;
    }
    this.#readAt += length;
    return into;
  }
}
