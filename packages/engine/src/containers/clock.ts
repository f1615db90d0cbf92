/** Where time comes from; tests bring their own. */
export interface Clock {
  /** Nanoseconds since the epoch, never the same twice in a row where the source can tell. */
  now(): bigint;
}

/** What the system clock is made of. */
interface TimeSources {
  wallMs: () => number;
  monotonicNs: () => bigint;
}

const realSources: TimeSources = { wallMs: () => Date.now(), monotonicNs: () => process.hrtime.bigint() };
/** Drift up to here is corrected by waiting; beyond it somebody has set the clock back. */
const setBackNs = 1_000_000_000n;

/**
 * The wall clock, refined below the millisecond with the monotonic one; re-based when the two drift apart. Unless somebody sets
 * the clock, it never runs backwards: what follows a start is not earlier than the start.
 */
export function systemClock({ wallMs, monotonicNs }: TimeSources = realSources): Clock {
  let baseNs = BigInt(wallMs()) * 1_000_000n;
  let baseMonotonic = monotonicNs();
  let lastNs = 0n;
  return {
    now() {
      const monotonic = monotonicNs();
      let nowNs = baseNs + (monotonic - baseMonotonic);
      const wallNs = BigInt(wallMs()) * 1_000_000n;
      // In the wall clock's own millisecond, not even a little behind or ahead: who reads that clock before and after something asks
      // for what happened in between.
      if (nowNs < wallNs || nowNs >= wallNs + 1_000_000n) {
        [baseNs, baseMonotonic] = [wallNs, monotonic];
        nowNs = wallNs;
      }
      if (nowNs <= lastNs && lastNs - nowNs < setBackNs) nowNs = lastNs + 1n;
      return (lastNs = nowNs);
    },
  };
}

/** RFC 3339, UTC, with the fraction's trailing zeros cut: what Go prints as RFC3339Nano. */
export function rfc3339Nano(nanoseconds: bigint): string {
  const fixed = rfc3339NanoFixed(nanoseconds);
  const digits = fixed.slice(20, 29).replace(/(?<!0)0+$/, "");
  return digits === "" ? `${fixed.slice(0, 19)}Z` : `${fixed.slice(0, 20)}${digits}Z`;
}

/** RFC 3339, UTC, whole seconds. */
export function rfc3339(nanoseconds: bigint): string {
  return `${rfc3339NanoFixed(nanoseconds).slice(0, 19)}Z`;
}

/** RFC 3339, UTC, always nine digits of fraction: what `logs --timestamps` prints. */
export function rfc3339NanoFixed(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n;
  const fraction = (nanoseconds % 1_000_000_000n).toString().padStart(9, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Nanoseconds since the epoch of an RFC 3339 text; undefined when it is none. Offsets other than Z are understood. */
export function parseRfc3339(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const ms = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}
