import { randomBytes } from "node:crypto";
import { appendFileSync, statSync, truncateSync } from "node:fs";

const reserveBytes = 512 * 1024;
/** Enough for a transaction or two: whoever filled the disk takes what is given up and not used at once. */
const stepBytes = 32 * 1024;

/** Room on the disk that is kept for what must be written when there is none left: a file that is made shorter then. */
export class Reserve {
  readonly #path: string;
  #bytes: number;

  constructor(path: string) {
    this.#path = path;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Whether nothing of it was given up. */
  get isWhole(): boolean {
    return this.#bytes >= reserveBytes;
  }

  /** Makes it whole, or says that there is no room for it. */
  fill(): boolean {
    if (this.isWhole) return true;
    try {
      // A file system may keep zeros without taking room for them.
      appendFileSync(this.#path, randomBytes(reserveBytes - this.#bytes), { mode: 0o600 });
      this.#bytes = reserveBytes;
    } catch {
      if (statSync(this.#path, { throwIfNoEntry: false })) truncateSync(this.#path, this.#bytes);
    }
    return this.isWhole;
  }

  /** False when there is nothing to give any more. */
  giveSome(): boolean {
    if (this.#bytes === 0) return false;
    this.#bytes = Math.max(0, this.#bytes - stepBytes);
    truncateSync(this.#path, this.#bytes);
    return true;
  }
}
