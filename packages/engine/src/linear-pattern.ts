import { setFlagsFromString } from "node:v8";

/** A longer one is no client's filter. */
const longestPattern = 4096;
/** V8's own flag, of no standard. */
const withoutBacktracking = "l";

/**
 * A regular expression that somebody else wrote, matched in time that grows with the text and nothing else: by V8's engine without
 * backtracking, which refuses look-ahead, back references and large repetitions, as Go's does for dockerd. Throws a SyntaxError.
 */
export function linearPattern(source: string): RegExp {
  if (source.length > longestPattern) throw new SyntaxError(`a pattern of ${source.length} characters is too long`);
  // Without it V8 does not know the flag below; once set, it stays.
  setFlagsFromString("--enable-experimental-regexp-engine");
  return new RegExp(source, withoutBacktracking);
}
