import { invalidArgument } from "@pouchcontainer/errors";

/** `seconds.fraction` as Docker's clients send it, in nanoseconds; a number would lose the last digits. Empty and 0 mean none. */
export function nanoseconds(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined || text === "") return undefined;
  const match = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) {
    throw invalidArgument(`the query parameter ${name} must be seconds since the epoch, got ${JSON.stringify(text)}`);
  }
  const value = BigInt(match[1] ?? 0) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
  return value === 0n ? undefined : value;
}
