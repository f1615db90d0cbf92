import { pathOf } from "./problem.ts";

/** A text, or what opens, closes and parts in a document that is JSON. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/** An object or list that is open: the keys an object has had, and where in it the reading is. */
interface Level {
  keys: Set<string> | undefined;
  at: string | number;
  awaitsKey: boolean;
}

/**
 * The value of a file that an operator wrote. Throws a SyntaxError where it is no JSON, and where an object has a key twice, of which
 * `JSON.parse` takes the second without a word; its message says which, and where.
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const levels: Level[] = [];
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const level = levels.at(-1);
    if (token === "{") levels.push({ keys: new Set(), at: "", awaitsKey: true });
    else if (token === "[") levels.push({ keys: undefined, at: 0, awaitsKey: false });
    else if (token === "}" || token === "]") levels.pop();
    else if (level === undefined) break;
    else if (token === ",") {
      level.awaitsKey = level.keys !== undefined;
      if (typeof level.at === "number") level.at += 1;
    } else if (token === ":") level.awaitsKey = false;
    else if (level.awaitsKey) {
      // A text of JSON, which was parsed above.
      level.at = JSON.parse(token) as string;
      if (level.keys?.has(level.at) === true)
        throw new SyntaxError(
          `${levels.reduce((path, { at }) => pathOf(path, at), "")} is there twice, the second time at ${placeOf(text, index)}`,
        );
      level.keys?.add(level.at);
    }
  }
  return value;
}

function placeOf(text: string, index: number): string {
  const lines = text.slice(0, index).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
