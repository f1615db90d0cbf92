import { invalidArgument } from "@pouchcontainer/errors";

/**
 * `seconds.fraction` as Docker's clients send it, in nanoseconds; a number would lose the last digits. Both parts may have a sign, as
 * with dockerd, and what is below a nanosecond is cut off. Empty and 0 mean none.
 */
export function nanoseconds(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined || text === "") return undefined;
  const [, seconds, sign = "", fraction = ""] = /^([+-]?\d+)(?:\.([+-]?)(\d+))?$/.exec(text) ?? [];
  if (seconds === undefined || outOfRange(BigInt(seconds)))
    throw invalidArgument(`the query parameter ${name} must be seconds since the epoch, got ${JSON.stringify(text)}`);
  const parts = BigInt(fraction.slice(0, 9).padEnd(9, "0")) * (sign === "-" ? -1n : 1n);
  const value = BigInt(seconds) * 1_000_000_000n + parts;
  return value === 0n ? undefined : value;
}

/** Of 64 bits with a sign. */
const outOfRange = (value: bigint): boolean => BigInt.asIntN(64, value) !== value;
