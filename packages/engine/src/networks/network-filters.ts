import { invalidArgument } from "@pouchcontainer/errors";
import { booleanFilter } from "../boolean-filter.ts";
import { parseRfc3339 } from "../containers/clock.ts";
import { matchesText } from "../matches-text.ts";
import { pointInTime } from "../point-in-time.ts";
import { isPredefined, type NetworkRecord } from "./network-record.ts";

/** Docker's `filters` query: key → values. */
export type Filters = Record<string, string[]>;

const listFilters = ["dangling", "driver", "id", "label", "name", "scope", "type"];

export function refuseUnknownFilters(filters: Filters, allowed = listFilters): void {
  for (const key of Object.keys(filters)) if (!allowed.includes(key)) throw invalidArgument(`invalid filter '${key}'`);
}

/** Whether a network passes: any value of a key is enough, every key has to pass, all labels have to be there. */
export function matches(record: NetworkRecord, filters: Filters, state: { used: boolean; now?: Date }): boolean {
  const any = (key: string, test: (value: string) => boolean) => {
    const values = filters[key] ?? [];
    return values.length === 0 || values.some(test);
  };
  // What is no value is refused, whatever else is asked for.
  const dangling = booleanFilter(filters, "dangling");
  const types = filters["type"]?.map((value) => typeMatches(record, value));
  return (
    any("name", (value) => matchesText(value, record.name)) &&
    any("id", (value) => matchesText(value, record.id)) &&
    any("driver", (value) => record.driver === value) &&
    any("scope", (value) => value === "local") &&
    // Of no type is nothing.
    (types?.includes(true) ?? true) &&
    (dangling === undefined || dangling === (!state.used && !isPredefined(record.name))) &&
    any("until", (value) => (parseRfc3339(record.created) ?? 0n) < pointInTime(value, nanoseconds(state.now ?? new Date()))) &&
    (filters["label"] ?? []).every((label) => hasLabel(record, label)) &&
    !(filters["label!"] ?? []).some((label) => hasLabel(record, label))
  );
}

function typeMatches(record: NetworkRecord, value: string): boolean {
  if (value !== "builtin" && value !== "custom") throw invalidArgument(`invalid filter: 'type'='${value}'`);
  return (value === "builtin") === isPredefined(record.name);
}

function hasLabel(record: NetworkRecord, label: string): boolean {
  const cut = label.indexOf("=");
  if (cut < 0) return Object.hasOwn(record.labels, label);
  return record.labels[label.slice(0, cut)] === label.slice(cut + 1);
}

function nanoseconds(time: Date): bigint {
  return BigInt(time.getTime()) * 1_000_000n;
}
