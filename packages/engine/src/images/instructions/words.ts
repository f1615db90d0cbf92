import { invalidArgument } from "@pouchcontainer/errors";

/**
 * Words of a Dockerfile's instructions, by the rules of its reference ("Environment replacement", "escape"): quotes and backslashes as
 * in a shell, and `$name`, `${name}`, `${name:-word}`, `${name:+word}`, `${name:?word}`, without the colon too.
 */
export type Variables = ReadonlyMap<string, string>;

/** The words of a text, as they stand: quotes and backslashes are kept for `expand`. */
export function rawWords(text: string): string[] {
  const words: string[] = [];
  let word = "";
  for (let at = 0; at < text.length;) {
    const end = /\s/.test(text.charAt(at)) ? at : pieceEnd(text, at);
    if (end > at) word += text.slice(at, end);
    else if (word !== "") {
      words.push(word);
      word = "";
    }
    at = Math.max(end, at + 1);
  }
  if (word !== "") words.push(word);
  return words;
}

/** The end of the quoted text, the escaped or the plain character at a place; an open quote reaches to the end. */
function pieceEnd(text: string, at: number): number {
  const first = text.charAt(at);
  if (first === "\\") return Math.min(at + 2, text.length);
  if (first !== "'" && first !== '"') return at + 1;
  for (let next = at + 1; next < text.length; next++) {
    if (text.charAt(next) === first) return next + 1;
    if (first === '"' && text.charAt(next) === "\\") next++;
  }
  return text.length;
}

/** How deep substitutions may be in one another. */
const mostNested = 100;

/**
 * Text without its quotes and backslashes, its variables replaced; of a variable that is not set nothing remains. What it becomes is
 * at most `limit` characters longer.
 */
export function expand(text: string, variables: Variables, limit = Infinity): string {
  try {
    return new Expander(text, variables, limit).until(() => false);
  } catch (error) {
    if (error instanceof BadWord) throw invalidArgument(`failed to process ${JSON.stringify(text)}: ${error.message}`);
    throw error;
  }
}

class BadWord extends Error {}

class Expander {
  readonly #text: string;
  readonly #variables: Variables;
  #at = 0;
  #nested = 0;
  #left: number;

  constructor(text: string, variables: Variables, limit: number) {
    this.#text = text;
    this.#variables = variables;
    this.#left = limit;
  }

  /** Up to a character that ends it, which is taken as well, or to the end. */
  until(ends: (character: string) => boolean): string {
    let result = "";
    while (this.#at < this.#text.length) {
      const character = this.#take();
      if (ends(character)) return result;
      if (character === "'") result += this.#singleQuoted();
      else if (character === '"') result += this.#doubleQuoted();
      else if (character === "$") result += this.#variable();
      else if (character === "\\") result += this.#at < this.#text.length ? this.#take() : character;
      else result += character;
    }
    return result;
  }

  #take(): string {
    const character = this.#text.charAt(this.#at);
    this.#at++;
    return character;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end === -1) throw new BadWord("unexpected end of statement while looking for matching single-quote");
    const inside = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return inside;
  }

  #doubleQuoted(): string {
    let result = "";
    for (;;) {
      if (this.#at >= this.#text.length) throw new BadWord("unexpected end of statement while looking for matching double-quote");
      const character = this.#take();
      if (character === '"') return result;
      if (character === "$") result += this.#variable();
      else if (character === "\\" && '"$\\'.includes(this.#text.charAt(this.#at) || " ")) result += this.#take();
      else result += character;
    }
  }

  #variable(): string {
    if (this.#text.charAt(this.#at) === "{") {
      this.#at++;
      return this.#braced();
    }
    const name = /^([A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?!$-])/.exec(this.#text.slice(this.#at))?.[0];
    if (name === undefined) return "$";
    this.#at += name.length;
    return this.#valueOf(name) ?? "";
  }

  #valueOf(name: string): string | undefined {
    const value = this.#variables.get(name);
    this.#left -= value?.length ?? 0;
    if (this.#left < 0) throw new BadWord("its variables stand for too much");
    return value;
  }

  #braced(): string {
    const name = /^[A-Za-z0-9_]+/.exec(this.#text.slice(this.#at))?.[0] ?? "";
    this.#at += name.length;
    const [operator = ""] = /^(}|:?[-+?])/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += operator.length;
    if (name === "" || operator === "") throw new BadWord("missing ':' in substitution");
    const value = this.#valueOf(name);
    if (operator === "}") return value ?? "";
    const before = this.#at;
    if (++this.#nested > mostNested) throw new BadWord(`more than ${mostNested} substitutions in one another`);
    const word = this.until((character) => character === "}");
    this.#nested--;
    if (this.#text.charAt(this.#at - 1) !== "}" || this.#at === before) throw new BadWord("syntax error: missing '}'");
    const isSet = operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
    if (operator.endsWith("+")) return isSet ? word : "";
    if (isSet) return value ?? "";
    if (operator.endsWith("-")) return word;
    throw new BadWord(`${name}: ${word === "" ? "not set" : word}`);
  }
}
