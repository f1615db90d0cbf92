import { invalidArgument } from "@pouchcontainer/errors";

/**
 * Words of a Dockerfile's instructions, by the rules of its reference ("Environment replacement", "escape"): quotes and backslashes as
 * in a shell, and `$name`, `${name}`, `${name:-word}`, `${name:+word}`, `${name:?word}`, without the colon too.
 */
export type Variables = ReadonlyMap<string, string>;

/** The words of a text, as they stand: quotes and backslashes are kept for `expand`. A Dockerfile may have another character for the backslash. */
export function rawWords(text: string, escape = "\\"): string[] {
  const words: string[] = [];
  let word = "";
  for (let at = 0; at < text.length;) {
    const end = /\s/.test(text.charAt(at)) ? at : pieceEnd(text, at, escape);
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
function pieceEnd(text: string, at: number, escape: string): number {
  const first = text.charAt(at);
  if (first === escape) return Math.min(at + 2, text.length);
  if (first !== "'" && first !== '"') return at + 1;
  for (let next = at + 1; next < text.length; next++) {
    if (text.charAt(next) === first) return next + 1;
    if (first === '"' && text.charAt(next) === escape) next++;
  }
  return text.length;
}

/** Text without its quotes and backslashes, its variables replaced; of a variable that is not set nothing remains. */
export function expand(text: string, variables: Variables, escape = "\\"): string {
  try {
    const expanded = new Expander(text, variables, escape).until(() => false);
    if (expanded.length > longestInstruction) throw tooLong(text);
    return expanded;
  } catch (error) {
    if (error instanceof BadWord) throw invalidArgument(`failed to process ${JSON.stringify(text)}: ${error.message}`);
    throw error;
  }
}

/** What one instruction may come to: variables that stand for one another grow with each step, and nothing honest is longer. */
const longestInstruction = 1 << 20;

/** The same for all words of an instruction. */
export function expandAll(words: readonly string[], variables: Variables, escape?: string): string[] {
  let length = 0;
  return words.map((word) => {
    const expanded = expand(word, variables, escape);
    length += expanded.length;
    if (length > longestInstruction) throw tooLong(word);
    return expanded;
  });
}

function tooLong(text: string): Error {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return invalidArgument(`failed to process "${shown}": an instruction may come to ${longestInstruction} characters and no more`);
}

const deepestSubstitution = 100;

class BadWord extends Error {}

class Expander {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #escape: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, variables: Variables, escape: string) {
    this.#text = text;
    this.#variables = variables;
    this.#escape = escape;
  }

  /** Up to a character that ends it, which is taken as well, or to the end. */
  until(ends: (character: string) => boolean): string {
    let result = "";
    while (this.#at < this.#text.length) {
      const character = this.#take();
      if (ends(character)) return result;
      if (result.length > longestInstruction) throw tooLong(this.#text);
      if (character === "'") result += this.#singleQuoted();
      else if (character === '"') result += this.#doubleQuoted();
      else if (character === "$") result += this.#variable();
      else if (character === this.#escape) result += this.#at < this.#text.length ? this.#take() : character;
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
      else if (character === this.#escape && `"$${this.#escape}`.includes(this.#text.charAt(this.#at) || " "))
        result += this.#take();
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
    return this.#variables.get(name) ?? "";
  }

  #braced(): string {
    const name = /^[A-Za-z0-9_]+/.exec(this.#text.slice(this.#at))?.[0] ?? "";
    this.#at += name.length;
    const [operator = ""] = /^(}|:?[-+?])/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += operator.length;
    if (name === "" || operator === "") throw new BadWord("missing ':' in substitution");
    const value = this.#variables.get(name);
    if (operator === "}") return value ?? "";
    const before = this.#at;
    if (++this.#depth > deepestSubstitution) throw new BadWord(`more than ${deepestSubstitution} substitutions in one another`);
    const word = this.until((character) => character === "}");
    this.#depth--;
    if (this.#text.charAt(this.#at - 1) !== "}" || this.#at === before) throw new BadWord("syntax error: missing '}'");
    const isSet = operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
    if (operator.endsWith("+")) return isSet ? word : "";
    if (isSet) return value ?? "";
    if (operator.endsWith("-")) return word;
    throw new BadWord(`${name}: ${word === "" ? "not set" : word}`);
  }
}
