import { invalidArgument } from "@pouchcontainer/errors";

const defaultKeys = "ctrl-p,ctrl-q";

/** Docker's notation (`ctrl-p,ctrl-q`, `a,b`, `DEL`) as the bytes a terminal sends. Empty is the default. */
export function parseDetachKeys(keys = ""): Buffer {
  return Buffer.from((keys === "" ? defaultKeys : keys).split(",").map((key) => codeOf(key, keys)));
}

function codeOf(key: string, keys: string): number {
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
  if (key === "DEL") return 127;
  if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
  throw invalidArgument(
    `Invalid detach keys (${keys}) provided: unknown character '${key}'; write them like ctrl-p,ctrl-q or a,b`,
  );
}

/** What is left of a chunk of input, and whether the keys were in it. */
export interface DetachResult {
  pass: Uint8Array;
  detached: boolean;
}

/** Looks for the detach keys in input, across chunks. A beginning that turns out to be something else is passed on late. */
export class DetachDetector {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  feed(chunk: Uint8Array): DetachResult {
    const keys = this.#keys;
    // Nearly all input: nothing began and nothing begins.
    if (this.#matched === 0 && !chunk.includes(keys[0] ?? -1)) return { pass: chunk, detached: false };
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte === keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === keys.length) return { pass: Buffer.from(passed), detached: true };
        continue;
      }
      passed.push(...keys.subarray(0, this.#matched));
      this.#matched = byte === keys[0] ? 1 : 0;
      if (this.#matched === 0) passed.push(byte);
    }
    return { pass: Buffer.from(passed), detached: false };
  }
}
