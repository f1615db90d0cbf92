import { invalidArgument } from "@pouchcontainer/errors";
import { linearPattern } from "./linear-pattern.ts";

/** Go's `path.Match`: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes of any character, and `\\` takes the next one as it is. */
export function pathPattern(pattern: string): RegExp {
  const rest = Array.from(pattern);
  let source = "";
  for (let character = rest.shift(); character !== undefined; character = rest.shift()) {
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") source += classOf(rest);
    else source += quote(character === "\\" ? (rest.shift() ?? malformed()) : character);
  }
  return linearPattern(`^${source}$`);
}

/** Takes a class up to its bracket from what is left of a pattern. */
function classOf(rest: string[]): string {
  const negated = rest[0] === "^";
  if (negated) rest.shift();
  let members = "";
  do {
    const from = memberOf(rest);
    let to = from;
    if (rest[0] === "-") {
      rest.shift();
      to = memberOf(rest);
    }
    // A range the wrong way round has nothing in it.
    if (from <= to) members += `${quote(from)}-${quote(to)}`;
  } while (rest[0] !== "]");
  rest.shift();
  return negated ? `[^${members}]` : `[${members}]`;
}

function memberOf(rest: string[]): string {
  const character = rest.shift();
  if (character === undefined || character === "-" || character === "]") return malformed();
  return character === "\\" ? (rest.shift() ?? malformed()) : character;
}

function malformed(): never {
  throw invalidArgument("syntax error in pattern");
}

function quote(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
