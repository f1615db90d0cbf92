import { invalidArgument } from "@pouchcontainer/errors";
import { parseRfc3339 } from "./containers/clock.ts";

const unitNanoseconds: Record<string, number> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };
const duration = /(\d+(?:\.\d+)?)(h|ms|us|\u00b5s|ns|m|s)/gy;

/**
 * What a filter `until` says, in nanoseconds since the epoch: a duration before now (`10m`, `1h30m`), seconds since the epoch
 * with a fraction, or a date with or without its time (RFC 3339).
 */
export function pointInTime(text: string, now: bigint): bigint {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const [seconds = "", fraction = ""] = text.split(".");
    return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  }
  const parts = [...text.matchAll(duration)];
  if (parts.length > 0 && parts.map(([part]) => part).join("") === text) {
    return (
      now - BigInt(Math.round(parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitNanoseconds[unit] ?? 0), 0)))
    );
  }
  const parsed = parseRfc3339(text) ?? dateOf(text);
  if (parsed === undefined) throw invalidArgument(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return parsed;
}

function dateOf(text: string): bigint | undefined {
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1_000_000n;
}
