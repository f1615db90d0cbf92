import { TemplateError } from "./syntax.ts";
import type { Node, Operand, Pipe } from "./syntax.ts";
import { tokenize } from "./tokenize.ts";
import type { Token } from "./tokenize.ts";

/** Reads a template in the notation of Go's `text/template`. */
export function parseTemplate(source: string): Node[] {
  const pieces = split(source);
  const { nodes, stopped } = parseNodes(pieces, 0, false);
  if (stopped !== undefined) throw new TemplateError(`unexpected {{${stopped.word}}}`);
  return nodes;
}

type Piece = { text: string } | { tokens: Token[] };

/** Cuts the source into texts and actions; `{{-` and `-}}` eat the blanks beside them, comments vanish. */
function split(source: string): Piece[] {
  const pieces: Piece[] = [];
  let trimNext = false;
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    let before = source.slice(at, open === -1 ? undefined : open);
    if (trimNext) before = before.trimStart();
    if (open === -1) {
      pieces.push({ text: before });
      break;
    }
    const close = endOfAction(source, open + 2);
    let inside = source.slice(open + 2, close);
    if (/^-\s/.test(inside)) {
      before = before.trimEnd();
      inside = inside.slice(1);
    }
    trimNext = /\s-$/.test(inside);
    if (trimNext) inside = inside.slice(0, -1);
    pieces.push({ text: before });
    if (!/^\s*\/\*[\s\S]*\*\/\s*$/.test(inside)) pieces.push({ tokens: tokenize(inside) });
    at = close + 2;
  }
  return pieces.filter((piece) => !("text" in piece) || piece.text !== "");
}

function endOfAction(source: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    const char = source[at];
    if (char === '"' || char === "`") {
      for (at++; at < source.length && source[at] !== char; at++) if (char === '"' && source[at] === "\\") at++;
    } else if (source.startsWith("}}", at)) return at;
  }
  throw new TemplateError("unclosed action");
}

interface Stopped {
  /** `end` or `else`. */
  word: string;
  /** What follows `else`: an `if` or `with` of its own. */
  rest: Token[];
  next: number;
}

/** Reads nodes up to `{{end}}`, `{{else}}` or the end of the pieces. */
function parseNodes(pieces: readonly Piece[], from: number, inLoop: boolean): { nodes: Node[]; stopped: Stopped | undefined } {
  const nodes: Node[] = [];
  for (let at = from; at < pieces.length; at++) {
    const piece = pieces[at];
    if (piece === undefined) break;
    if ("text" in piece) {
      nodes.push({ kind: "text", text: piece.text });
      continue;
    }
    const [first, ...rest] = piece.tokens;
    const word = first?.kind === "word" ? first.text : "";
    if (word === "end" || word === "else") return { nodes, stopped: { word, rest, next: at + 1 } };
    if (word === "if" || word === "with" || word === "range") {
      const block = parseBlock(word, rest, pieces, at + 1, inLoop);
      nodes.push(block.node);
      at = block.next - 1;
    } else if (word === "break" || word === "continue") {
      if (!inLoop) throw new TemplateError(`{{${word}}} outside {{range}}`);
      nodes.push({ kind: word });
    } else nodes.push({ kind: "output", pipe: new PipeReader(piece.tokens).readAll() });
  }
  return { nodes, stopped: undefined };
}

function parseBlock(
  word: "if" | "with" | "range",
  head: Token[],
  pieces: readonly Piece[],
  from: number,
  inLoop: boolean,
): { node: Node; next: number } {
  const body = parseNodes(pieces, from, inLoop || word === "range");
  if (body.stopped === undefined) throw new TemplateError("unexpected EOF: {{end}} is missing");
  let otherwise: Node[] = [];
  let next = body.stopped.next;
  if (body.stopped.word === "else") {
    const [nested, ...rest] = body.stopped.rest;
    if (nested !== undefined && nested.kind === "word" && (nested.text === "if" || nested.text === "with")) {
      const chained = parseBlock(nested.text, rest, pieces, next, inLoop);
      otherwise = [chained.node];
      next = chained.next;
    } else {
      const tail = parseNodes(pieces, next, inLoop);
      if (tail.stopped?.word !== "end") throw new TemplateError("unexpected EOF: {{end}} is missing");
      otherwise = tail.nodes;
      next = tail.stopped.next;
    }
  }
  return { node: makeBlock(word, head, body.nodes, otherwise), next };
}

function makeBlock(word: "if" | "with" | "range", head: Token[], body: Node[], otherwise: Node[]): Node {
  if (word !== "range") return { kind: word, pipe: new PipeReader(head).readAll(), body, otherwise };
  const declare = head.findIndex((token) => token.kind === "symbol" && token.text === ":=");
  const names = declare === -1 ? [] : head.slice(0, declare).filter((token) => token.kind === "variable");
  const pipe = new PipeReader(head.slice(declare + 1)).readAll();
  const [first, second] = names.map((token) => token.text);
  // `range $v := …` names the element, `range $i, $v := …` the index and the element.
  return { kind: "range", pipe, key: second === undefined ? undefined : first, value: second ?? first, body, otherwise };
}

/** Reads `$x := f a b | g`. */
class PipeReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  readAll(): Pipe {
    const pipe = this.#pipe();
    if (this.#at < this.#tokens.length) throw new TemplateError(`unexpected "${this.#tokens[this.#at]?.text}" in operand`);
    return pipe;
  }

  #pipe(): Pipe {
    const [first, second] = this.#tokens.slice(this.#at, this.#at + 2);
    let declares: string | undefined;
    const assigns = second?.kind === "symbol" && second.text === "=";
    if (first?.kind === "variable" && second?.kind === "symbol" && (second.text === ":=" || assigns)) {
      declares = first.text;
      this.#at += 2;
    }
    const commands: Operand[][] = [];
    do commands.push(this.#command());
    while (this.#take("|"));
    return { declares, assigns, commands };
  }

  #command(): Operand[] {
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token === undefined || (token.kind === "symbol" && (token.text === "|" || token.text === ")"))) break;
      operands.push(this.#operand());
    }
    if (operands.length === 0) throw new TemplateError("missing value for command");
    return operands;
  }

  #operand(): Operand {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new TemplateError("missing value for command");
    switch (token.kind) {
      case "literal":
        return { kind: "literal", value: token.value };
      case "variable":
        return { kind: "path", base: { variable: token.text }, fields: this.#fields() };
      case "field":
        return { kind: "path", base: "dot", fields: [token.text, ...this.#fields()] };
      case "dot":
        return { kind: "path", base: "dot", fields: [] };
      case "word":
        return { kind: "function", name: token.text };
      default:
        if (token.text !== "(") throw new TemplateError(`unexpected "${token.text}" in operand`);
    }
    const pipe = this.#pipe();
    if (!this.#take(")")) throw new TemplateError("unclosed left paren");
    return { kind: "path", base: { pipe }, fields: this.#fields() };
  }

  /** Fields that follow without a blank: `$x.A.B`, `(…).A`. */
  #fields(): string[] {
    const fields: string[] = [];
    for (let token = this.#tokens[this.#at]; token?.kind === "field" && token.glued; token = this.#tokens[this.#at]) {
      fields.push(token.text);
      this.#at++;
    }
    return fields;
  }

  #take(symbol: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "symbol" || token.text !== symbol) return false;
    this.#at++;
    return true;
  }
}
