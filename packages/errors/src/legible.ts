/** What a terminal acts on, and the marks of direction that let what stands beside them read otherwise. */
const acting = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A stranger's text for a terminal: what would act on it, or change how the rest reads, is written as JSON writes it (`\u001b`), so that a
 * JSON text keeps its meaning. Ends of lines and tabs stay.
 */
export function legible(text: string): string {
  return text.replaceAll(acting, (char) => (char === "\n" || char === "\t" ? char : escaped(char)));
}

/** The same of what has one line, or one cell of a table, to itself. */
export function legibleLine(text: string): string {
  return text.replaceAll(acting, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
