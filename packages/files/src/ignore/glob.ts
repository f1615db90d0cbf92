/**
 * Patterns of file names as Go's `filepath.Match` reads them: `*` and `?` stand for what has no slash, `[a-z]` and `[^a-z]` for one
 * character, a backslash takes the next one as it is. Matched in time that grows with pattern times name, whoever wrote the pattern.
 */
export interface Glob {
  matches(name: string): boolean;
}

export class BadGlob extends Error {
  constructor() {
    super("syntax error in pattern");
  }
}

type Token =
  | { kind: "character"; character: string }
  | { kind: "class"; negated: boolean; ranges: readonly (readonly [string, string])[] }
  /** `?` */
  | { kind: "one" }
  /** `*` */
  | { kind: "some" }
  /** `**` at the end of a part: everything, slashes as well. */
  | { kind: "all" }
  /** `**` and a slash: any number of folders, none as well. */
  | { kind: "folders" }
  /** Within those folders: `folders` is always followed by it. */
  | { kind: "withinFolders" };

/** With `deep`, `**` stands for any number of folders, as in a `.dockerignore`. */
export function compileGlob(pattern: string, { deep = false } = {}): Glob {
  const tokens = [...tokensOf(Array.from(pattern), deep)];
  return { matches: (name) => matches(tokens, name) };
}

function* tokensOf(text: readonly string[], deep: boolean): Generator<Token> {
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? "";
    at++;
    if (character === "?") yield { kind: "one" };
    else if (character === "*") {
      const begin = at - 1;
      while (text[at] === "*") at++;
      if (!deep || at - begin < 2) yield { kind: "some" };
      else if (text[at] === "/") {
        at++;
        yield { kind: "folders" };
        yield { kind: "withinFolders" };
      } else yield { kind: "all" };
    } else if (character === "[") {
      const { token, end } = classAt(text, at);
      at = end;
      yield token;
    } else if (character === "\\") {
      const escaped = text[at];
      if (escaped === undefined) throw new BadGlob();
      at++;
      yield { kind: "character", character: escaped };
    } else yield { kind: "character", character };
  }
}

/** A class, behind its bracket. */
function classAt(text: readonly string[], begin: number): { token: Token; end: number } {
  let at = begin;
  const negated = text[at] === "^";
  if (negated) at++;
  const ranges: [string, string][] = [];
  const one = (): string => {
    const character = text[at] === "\\" ? text[++at] : text[at];
    if (character === undefined || (text[at - 1] !== "\\" && (character === "-" || character === "]"))) throw new BadGlob();
    at++;
    return character;
  };
  while (ranges.length === 0 || text[at] !== "]") {
    const from = one();
    if (text[at] !== "-") ranges.push([from, from]);
    else {
      at++;
      ranges.push([from, one()]);
    }
  }
  return { token: { kind: "class", negated, ranges }, end: at + 1 };
}

/** Follows all ways through the pattern side by side; a way is the number of the token that is next. */
function matches(tokens: readonly Token[], name: string): boolean {
  let ways = reachable(tokens, [0]);
  for (const character of name) {
    const next: number[] = [];
    for (const way of ways) {
      const token = tokens[way];
      if (token !== undefined) next.push(...after(token, way, character));
    }
    if (next.length === 0) return false;
    ways = reachable(tokens, next);
  }
  return ways.has(tokens.length);
}

/** Ways that are open without a character: what may stand for nothing is passed. */
function reachable(tokens: readonly Token[], begin: readonly number[]): Set<number> {
  const ways = new Set(begin);
  // A set is walked to what was added meanwhile.
  for (const way of ways) {
    const kind = tokens[way]?.kind;
    if (kind === "some" || kind === "all" || kind === "folders") ways.add(way + 1);
    if (kind === "folders") ways.add(way + 2);
  }
  return ways;
}

function after(token: Token, way: number, character: string): number[] {
  switch (token.kind) {
    case "character":
      return character === token.character ? [way + 1] : [];
    case "class":
      return token.ranges.some(([from, to]) => from <= character && character <= to) === token.negated || character === "/"
        ? []
        : [way + 1];
    case "one":
      return character === "/" ? [] : [way + 1];
    case "some":
      return character === "/" ? [] : [way];
    case "all":
      return [way];
    case "folders":
      return [];
    case "withinFolders":
      return character === "/" ? [way, way + 1] : [way];
    default:
      return token satisfies never;
  }
}
