import { BadFlagValue } from "./flags/flag-types.ts";
import type { FlagSpec } from "./flags/flag-types.ts";

/** Values by key, as the API's `filters` query takes them; undefined when nothing was asked for. */
export type FilterQuery = string | undefined;

/** `--filter key=value`, repeatable. */
export function filterFlag(help: string, short?: string): FlagSpec<FilterQuery> {
  return {
    help,
    placeholder: "filter",
    ...(short === undefined ? {} : { short }),
    read: (occurrences) => encodeFilters(occurrences.map(readFilter)),
  };
}

function readFilter(given: string): [string, string] {
  const match = /^([^=]+)=(.*)$/.exec(given);
  if (match === null) throw new BadFlagValue(given, "invalid argument: write key=value, for example status=running");
  return [(match[1] ?? "").trim().toLowerCase(), (match[2] ?? "").trim()];
}

export function encodeFilters(pairs: readonly (readonly [string, string])[]): FilterQuery {
  if (pairs.length === 0) return undefined;
  const result = new Map<string, Record<string, boolean>>();
  for (const [key, value] of pairs) result.set(key, { ...result.get(key), [value]: true });
  return JSON.stringify(Object.fromEntries(result));
}

/** Adds one more pair to filters that were read before. */
export function withFilter(filters: FilterQuery, key: string, value: string): string {
  const parsed: Record<string, Record<string, boolean>> = filters === undefined ? {} : JSON.parse(filters);
  return JSON.stringify({ ...parsed, [key]: { ...parsed[key], [value]: true } });
}
