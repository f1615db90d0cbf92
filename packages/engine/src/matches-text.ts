import { linearPattern } from "./linear-pattern.ts";

/** As Docker's filters: a regular expression anywhere in the text; one that does not compile matches nothing but itself. */
export function matchesText(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  try {
    return linearPattern(pattern).test(text);
  } catch {
    return false;
  }
}
