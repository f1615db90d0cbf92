import { invalidArgument } from "@pouchcontainer/errors";

export const defaultDetachKeys = "ctrl-p,ctrl-q";

/** Bytes of a key sequence such as `ctrl-p,ctrl-q` or `a,ctrl-c` (Docker's `--detach-keys`). */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from(text.split(","), (key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
    if (key.length === 1) return key.charCodeAt(0);
    throw invalidArgument(`Invalid detach keys (${text}) provided: Unknown character: '${key}'`);
  });
}

/** Looks for the key sequence in what a client types; the beginning of one is held back until it is clear what it is. */
export class DetachScanner {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  feed(chunk: Uint8Array): { forward: Buffer; detached: boolean } {
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
