import { readSync } from "node:fs";
import type { FileJob, FileMessage } from "../file-jobs.ts";
import { writeAll } from "./write-all.ts";

/** The worker's side of the channel to the daemon: one job comes in, messages go out, a line of JSON each. */
export class Channel {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Waits for the job. Undefined: the daemon has none, or is gone. */
  receive(): FileJob | undefined {
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.alloc(64 * 1024);
      const count = readSync(this.#fd, chunk);
      if (count === 0) return undefined;
      chunks.push(chunk.subarray(0, count));
      // The daemon is the other side of the same build: what it sends is a job.
      if (chunk[count - 1] === newline) return JSON.parse(Buffer.concat(chunks).toString()) as FileJob;
    }
  }

  send(message: FileMessage): void {
    writeAll(this.#fd, Buffer.from(`${JSON.stringify(message)}\n`));
  }
}

const newline = 0x0a;
