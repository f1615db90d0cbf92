import { globPattern } from "../glob-pattern.ts";

/** What begins with one part of a pattern, up to a dot. */
interface Node {
  /** By the part as it is. */
  readonly literals: Map<string, Node>;
  readonly globs: Glob[];
  /** A pattern ends here. */
  isEnd: boolean;
  /** A list of this one, made once. */
  readonly alone: readonly Node[];
}

interface Glob {
  readonly part: string;
  readonly matches: (text: string) => boolean;
  readonly node: Node;
  /** The last part of a pattern, with `*` at its end: dots in the rest of a name do not stop it. */
  isOpen: boolean;
}

/** How far patterns reach along the names that lead to a field; `granted`: to the field, and so to all below it. */
export type Reach = readonly Node[] | "granted";

function newNode(): Node {
  const alone: Node[] = [];
  const node = { literals: new Map(), globs: [], isEnd: false, alone };
  alone.push(node);
  return node;
}

const none: readonly Node[] = [];

/**
 * Patterns of fields, in one tree: a field costs its names, however many patterns there are that begin otherwise. A name may have dots of its
 * own, as labels do: a pattern has to end where a name does.
 */
export class FieldPatterns {
  readonly #root = newNode();

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) this.add(pattern);
  }

  add(pattern: string): void {
    const parts = pattern.split(".");
    let node = this.#root;
    for (const [index, part] of parts.entries()) {
      const isOpen = index === parts.length - 1 && part.endsWith("*");
      node = part.includes("*") ? globOf(node, part, isOpen).node : literalOf(node, part);
    }
    node.isEnd = true;
  }

  /** The whole body: nothing is granted of it but what a pattern names. */
  get start(): Reach {
    return this.#root.alone;
  }

  /** Whether whatever `pattern` grants is granted by one of these. */
  covers(pattern: string): boolean {
    const parts = pattern.split(".");
    const last = parts.pop() ?? "";
    let reached: readonly Node[] = [this.#root];
    // A `*` in it stands for what a `*` here has to stand for as well: as a character it is matched by nothing else.
    for (const [index, part] of parts.entries()) {
      if (isOpenAt(reached, [...parts.slice(index), last].join("."))) return true;
      reached = partStep(reached, part);
    }
    if (isOpenAt(reached, last)) return true;
    // What a `*` at the end stands for may have dots, which only one at an end here stands for as well.
    return !last.endsWith("*") && isEndAt(partStep(reached, last));
  }
}

function literalOf(node: Node, part: string): Node {
  let next = node.literals.get(part);
  if (next === undefined) node.literals.set(part, (next = newNode()));
  return next;
}

function globOf(node: Node, part: string, isOpen: boolean): Glob {
  let glob = node.globs.find((one) => one.part === part);
  if (glob === undefined) node.globs.push((glob = { part, matches: globPattern(part), node: newNode(), isOpen }));
  glob.isOpen ||= isOpen;
  return glob;
}

/** One name further. */
export function step(reach: Reach, name: string): Reach {
  if (reach === "granted") return reach;
  if (isOpenAt(reach, name)) return "granted";
  let reached = reach;
  let rest = name;
  for (let dot = rest.indexOf("."); dot !== -1 && reached.length > 0; dot = rest.indexOf(".")) {
    reached = partStep(reached, rest.slice(0, dot));
    rest = rest.slice(dot + 1);
    if (isOpenAt(reached, rest)) return "granted";
  }
  reached = partStep(reached, rest);
  return isEndAt(reached) ? "granted" : reached;
}

function partStep(reached: readonly Node[], part: string): readonly Node[] {
  const only = reached[0];
  if (reached.length === 1 && only !== undefined && only.globs.length === 0) return only.literals.get(part)?.alone ?? none;
  const next: Node[] = [];
  for (const { literals, globs } of reached) {
    const literal = literals.get(part);
    if (literal !== undefined) next.push(literal);
    for (const { matches, node } of globs) if (matches(part)) next.push(node);
  }
  return next;
}

function isOpenAt(reached: readonly Node[], rest: string): boolean {
  for (const { globs } of reached) for (const { isOpen, matches } of globs) if (isOpen && matches(rest)) return true;
  return false;
}

function isEndAt(reached: readonly Node[]): boolean {
  for (const { isEnd } of reached) if (isEnd) return true;
  return false;
}
