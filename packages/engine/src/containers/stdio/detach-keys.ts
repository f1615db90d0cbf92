import { invalidArgument } from "@pouchcontainer/errors";

const defaultDetachKeys = Uint8Array.of(16, 17);

/**
 * The bytes a terminal sends for keys such as `ctrl-p,ctrl-q`, `a,ctrl-c` or `DEL` (Docker's `--detach-keys`); none for an
 * empty text. `what` is the name Docker has for them in the message when they are wrong.
 */
export function parseDetachKeys(text: string, what: "detach" | "escape" = "detach"): Uint8Array {
  if (text === "") return new Uint8Array();
  return Uint8Array.from(text.split(","), (key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
    if (key === "DEL") return 127;
    if (Buffer.byteLength(key) === 1) return key.charCodeAt(0);
    throw invalidArgument(`Invalid ${what} keys (${text}) provided`);
  });
}

/**
 * Looks for the key sequence, ctrl-p ctrl-q unless others are given, in what a client types; the beginning of one is held back
 * until it is clear what it is.
 */
export class DetachScanner {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys.length > 0 ? keys : defaultDetachKeys;
  }

  feed(chunk: Uint8Array): { forward: Uint8Array; detached: boolean } {
    // Nearly all input: nothing began and nothing begins.
    if (this.#matched === 0 && !chunk.includes(this.#keys[0] ?? -1)) return { forward: chunk, detached: false };
    const forward: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched]) {
        forward.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) forward.push(byte);
      else if (++this.#matched === this.#keys.length) return { forward: Buffer.from(forward), detached: true };
    }
    return { forward: Buffer.from(forward), detached: false };
  }
}
