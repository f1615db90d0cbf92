/** A duration as Go prints it: `500ms`, `1.5s`, `1m30s`, `1h0m0s`. */
export function goDuration(milliseconds: number): string {
  if (milliseconds < 1000) return milliseconds === 0 ? "0s" : `${milliseconds}ms`;
  const minutes = Math.floor(milliseconds / 60_000);
  const seconds = `${(milliseconds % 60_000) / 1000}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

const unitNanoseconds: Record<string, number> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };
/** Go's durations have so many. */
const mostNanoseconds = 2 ** 63;
const part = /(\d+(?:\.\d+)?)(h|ms|us|\u00b5s|ns|m|s)/gy;

/** Nanoseconds of a duration as Go reads it (`1h30m`, `1.5s`, `0`), without a sign; undefined where it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const parts = [...text.matchAll(part)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text) return undefined;
  const sum = parts.reduce((total, [, count, unit = ""]) => total + Number(count) * (unitNanoseconds[unit] ?? 0), 0);
  return sum < mostNanoseconds ? Math.round(sum) : undefined;
}
