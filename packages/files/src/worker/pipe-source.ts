import { readSync } from "node:fs";
import type { ByteSource } from "../tar/byte-source.ts";

/** What is taken at once is at most this big. */
const bufferBytes = 1 << 20;

/** Bytes of a descriptor, read as much at a time as there is. */
export class PipeSource implements ByteSource {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #start = 0;
  #end = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  take(count: number): Buffer {
    if (this.#buffer.length - this.#start < count) this.#moveToFront();
    while (this.#end - this.#start < count && this.#fill());
    return this.#use(count);
  }

  takeSome(count: number): Buffer {
    if (this.#start === this.#end && count > 0) this.#fill();
    return this.#use(count);
  }

  #use(count: number): Buffer {
    const taken = this.#buffer.subarray(this.#start, Math.min(this.#start + count, this.#end));
    this.#start += taken.length;
    return taken;
  }

  #fill(): boolean {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    const count = readSync(this.#fd, this.#buffer, this.#end, this.#buffer.length - this.#end, null);
    this.#end += count;
    return count > 0;
  }

  #moveToFront(): void {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }
}
