import { invalidArgument } from "@pouchcontainer/errors";

/**
 * `seconds.fraction` as Docker's clients send it, in nanoseconds; a number would lose the last digits. Both parts may have a sign, which
 * is theirs alone, as in dockerd: -1.5 is half a second before the epoch. Empty means none.
 */
export function nanoseconds(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined || text === "") return undefined;
  const [, seconds, fraction = "0"] = /^([+-]?\d+)(?:\.([+-]?\d+))?$/.exec(text) ?? [];
  if (seconds === undefined || !isInt64(BigInt(seconds)) || !isInt64(BigInt(fraction))) {
    throw invalidArgument(`the query parameter ${name} must be seconds since the epoch, got ${JSON.stringify(text)}`);
  }
  const digits = BigInt(fraction.length);
  const scaled = digits <= 9n ? BigInt(fraction) * 10n ** (9n - digits) : BigInt(fraction) / 10n ** (digits - 9n);
  return BigInt(seconds) * 1_000_000_000n + scaled;
}

function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}
