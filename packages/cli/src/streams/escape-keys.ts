import { CliError } from "../cli-error.ts";

const specials: Record<string, number> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/** Reads `ctrl-p,ctrl-q`, `a,b`: the bytes a terminal sends for these keys. */
export function parseDetachKeys(text: string): Uint8Array {
  const bytes = text.split(",").map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const letter = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
    const code = letter === undefined ? undefined : /[a-z]/.test(letter) ? letter.charCodeAt(0) - 96 : specials[letter];
    if (code === undefined)
      throw new CliError(
        `invalid detach keys (${text}): unknown key "${key}"; write single characters or ctrl-<a-z@[\\]^_>, separated by commas`,
      );
    return code;
  });
  return Uint8Array.from(bytes);
}

/** Looks for the detach keys in what is typed. A beginning of the sequence is held back until it is clear that it is none. */
export class EscapeFilter {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What may be passed on, and whether the whole sequence was typed. */
  push(chunk: Uint8Array): { pass: Uint8Array; detach: boolean } {
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), detach: true };
        continue;
      }
      pass.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) pass.push(byte);
    }
    return { pass: Uint8Array.from(pass), detach: false };
  }
}
