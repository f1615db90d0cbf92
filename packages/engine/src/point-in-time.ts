import { invalidArgument } from "@pouchcontainer/errors";
import { parseRfc3339 } from "./containers/clock.ts";
import { parseGoDuration } from "./go-duration.ts";

/**
 * What a filter `until` says, in nanoseconds since the epoch: a duration before now (`10m`, `1h30m`), seconds since the epoch
 * with a fraction, or a date with or without its time (RFC 3339).
 */
export function pointInTime(text: string, now: bigint): bigint {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const [seconds = "", fraction = ""] = text.split(".");
    return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  }
  const ago = parseGoDuration(text);
  if (ago !== undefined) return now - BigInt(ago);
  const parsed = parseRfc3339(text) ?? dateOf(text);
  if (parsed === undefined) throw invalidArgument(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return parsed;
}

function dateOf(text: string): bigint | undefined {
  // What else `Date` reads, "abc 1" among it, is nobody's date.
  const milliseconds = /^\d{4}-\d\d-\d\d([TZ+-]|$)/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1_000_000n;
}
