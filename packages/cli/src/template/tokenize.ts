import { TemplateError } from "./syntax.ts";

export type Token =
  | { kind: "literal"; text: string; value: unknown }
  /** A field with its dot taken off; `glued` when no blank stands before it. */
  | { kind: "field"; text: string; glued: boolean }
  | { kind: "variable" | "word" | "dot" | "symbol"; text: string };

// Names take every character outside ASCII: Unicode classes would cost a command like `ps` half a millisecond to compile.
const patterns: readonly [RegExp, (text: string, glued: boolean) => Token][] = [
  [/"(?:[^"\\]|\\.)*"/y, (text) => ({ kind: "literal", text, value: unquote(text) })],
  [/`[^`]*`/y, (text) => ({ kind: "literal", text, value: text.slice(1, -1) })],
  [/'(?:[^'\\]|\\.)'/y, (text) => ({ kind: "literal", text, value: unquote(`"${text.slice(1, -1)}"`).codePointAt(0) })],
  [/[+-]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)/y, (text) => ({ kind: "literal", text, value: Number(text) })],
  [/\.[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y, (text, glued) => ({ kind: "field", text: text.slice(1), glued })],
  [/\$[\w\u0080-\uffff]*/y, (text) => ({ kind: "variable", text })],
  [/[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y, (text) => constantOrWord(text)],
  [/\./y, (text) => ({ kind: "dot", text })],
  [/:=|[|(),=]/y, (text) => ({ kind: "symbol", text })],
];

/** The words of one action. */
export function tokenize(action: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < action.length) {
    const blank = /\s+/y;
    blank.lastIndex = at;
    const skipped = blank.exec(action)?.[0].length ?? 0;
    at += skipped;
    if (at >= action.length) break;
    const token = next(action, at, skipped === 0 && tokens.length > 0);
    tokens.push(token.token);
    at += token.length;
  }
  if (tokens.length === 0) throw new TemplateError("missing value for command");
  return tokens;
}

function next(action: string, at: number, glued: boolean): { token: Token; length: number } {
  for (const [pattern, make] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(action)?.[0];
    if (match !== undefined) return { token: make(match, glued), length: match.length };
  }
  throw new TemplateError(`unexpected "${action[at]}" in command`);
}

function constantOrWord(text: string): Token {
  if (text === "true" || text === "false") return { kind: "literal", text, value: text === "true" };
  if (text === "nil") return { kind: "literal", text, value: null };
  return { kind: "word", text };
}

const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r", "\\": "\\", '"': '"', "'": "'" };

function unquote(text: string): string {
  return text
    .slice(1, -1)
    .replaceAll(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/g, (_, code: string) =>
      code.length > 1 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (escapes[code] ?? code),
    );
}
