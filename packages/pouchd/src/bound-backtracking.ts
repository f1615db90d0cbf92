import { setFlagsFromString } from "node:v8";

/**
 * Makes V8 go on without backtracking where one of our own regular expressions meets a text that it would be matched against for
 * ever. A net: patterns of others are for `linearPattern`, and ours are to be written so that this never happens.
 */
export function boundBacktracking(): void {
  setFlagsFromString("--enable-experimental-regexp_engine-on-excessive-backtracks");
}
