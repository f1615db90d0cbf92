/** Whether text fits a pattern in which `*` stands for any text. */
export function fitsPattern(text: string, pattern: string): boolean {
  let expression = expressions.get(pattern);
  if (!expression) {
    const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
    expressions.set(pattern, (expression = new RegExp(`^${parts.join(".*")}$`, "s")));
  }
  return expression.test(text);
}

const expressions = new Map<string, RegExp>();
