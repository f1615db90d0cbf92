/**
 * Lays out a JSON text like Go's `json.Indent`, without reading its values: numbers beyond 2^53 and the order of keys stay as the
 * daemon sent them.
 */
export function indentJson(json: string, indent = "    ", prefix = ""): string {
  let result = "";
  let depth = 0;
  const newline = (): string => `\n${prefix}${indent.repeat(depth)}`;
  for (let at = 0; at < json.length; at++) {
    const char = json[at] ?? "";
    if (char === '"') {
      const end = endOfString(json, at);
      result += json.slice(at, end);
      at = end - 1;
    } else if (char === "{" || char === "[") {
      const close = nextSignificant(json, at + 1);
      if (json[close] === "}" || json[close] === "]") {
        result += char + (json[close] ?? "");
        at = close;
      } else {
        depth++;
        result += char + newline();
      }
    } else if (char === "}" || char === "]") {
      depth--;
      result += newline() + char;
    } else if (char === ",") result += char + newline();
    else if (char === ":") result += ": ";
    else if (!/\s/.test(char)) result += char;
  }
  return result;
}

function endOfString(json: string, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    if (json[at] === "\\") at++;
    else if (json[at] === '"') return at + 1;
  }
  return json.length;
}

function nextSignificant(json: string, from: number): number {
  let at = from;
  while (at < json.length && /\s/.test(json[at] ?? "")) at++;
  return at;
}
