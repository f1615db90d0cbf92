import { invalidArgument } from "@pouchcontainer/errors";

/** Since when calls are wanted, in milliseconds, of what a client says in seconds. None was recorded after now: that would be a replay of nothing. */
export function sinceOf(seconds: string, nowMs: number): number {
  const since = /^-?\d{1,15}(\.\d+)?$/.test(seconds) ? Number(seconds) * 1000 : Infinity;
  if (since > nowMs)
    throw invalidArgument(
      `since must be seconds since the epoch and in the past, such as ${Math.floor(nowMs / 1000) - 3600}, got "${seconds}"`,
    );
  return since;
}
