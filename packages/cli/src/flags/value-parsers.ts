import { BadFlagValue } from "./flag-types.ts";

const byteFactors: Record<string, number> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** `64m`, `1.5g`, `512`: bytes, with binary units as Docker reads memory sizes. */
export function parseBytes(given: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(given.trim());
  const factor = match === null ? undefined : byteFactors[(match[2] ?? "").toLowerCase()];
  if (match === null || factor === undefined) {
    throw new BadFlagValue(given, `invalid size: '${given}': write a number and a unit, for example 512m or 2g`);
  }
  return Math.floor(Number(match[1]) * factor);
}

/** Like parseBytes, and -1 for "no limit". */
export function parseBytesOrUnlimited(given: string): number {
  return given.trim() === "-1" ? -1 : parseBytes(given);
}

const durationUnits: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `1m30s`, `500ms`: nanoseconds, in Go's notation. */
export function parseDuration(given: string): number {
  if (given === "0") return 0;
  const match = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(given);
  if (match === null)
    throw new BadFlagValue(given, `invalid duration "${given}": write a number and a unit, for example 30s or 1m30s`);
  let total = 0;
  for (const [, amount, unit] of given.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (durationUnits[unit ?? "s"] ?? 0);
  }
  if (total >= mostNanoseconds) throw new BadFlagValue(given, `"${given}" is longer than any duration may be, about 292 years`);
  return Math.round(given.startsWith("-") ? -total : total);
}

/** Go's durations have so many. */
const mostNanoseconds = 2 ** 63;

/** `0.5`, `2`: CPUs as NanoCpus. */
export function parseCpus(given: string): number {
  if (!/^\d+(\.\d+)?$|^\.\d+$/.test(given)) throw new BadFlagValue(given, "must be a number of CPUs, for example 1.5");
  const nano = Math.round(Number(given) * 1e9);
  if (!Number.isSafeInteger(nano)) throw new BadFlagValue(given, "is too many CPUs");
  return nano;
}

/**
 * A point in time as the API takes it (seconds since the epoch, fraction allowed): a Unix time, RFC 3339 (date only is enough), or a
 * duration ago such as `10m`.
 */
export function parseTimestamp(given: string, nowMs: number): string {
  if (/^\d+(\.\d+)?$/.test(given)) return given;
  if (/^[+-]?[\d.]+(ns|us|µs|ms|s|m|h)/.test(given))
    return secondsText(BigInt(nowMs) * 1_000_000n - BigInt(parseDuration(given)));
  const [, date = "", time = "T00:00:00", fraction = "", zone = ""] =
    /^(\d{4}-\d\d-\d\d)(?:(T[\d:]+)(?:\.(\d+))?(.*))?$/.exec(given) ?? [];
  const parsed = Date.parse(date + time + zone);
  if (Number.isNaN(parsed) || !isDayOfMonth(date)) {
    throw new BadFlagValue(given, `"${given}" is no time: write 2026-01-31T12:00:00Z, a Unix time, or a duration such as 10m`);
  }
  // A number of milliseconds does not hold the digits of a fraction.
  return secondsText(BigInt(parsed) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0")));
}

/** `Date` takes the 31st of February for the 3rd of March. */
function isDayOfMonth(date: string): boolean {
  return new Date(date).toISOString().startsWith(date);
}

/** The fraction counts forwards from the seconds, before the epoch too, as Go writes it. */
function secondsText(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${(nanoseconds - fraction) / 1_000_000_000n}.${String(fraction).padStart(9, "0")}`;
}
