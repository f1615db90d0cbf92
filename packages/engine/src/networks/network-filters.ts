import { invalidArgument } from "@pouchcontainer/errors";
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
  return (
    any("name", (value) => record.name.includes(value)) &&
    any("id", (value) => record.id.startsWith(value)) &&
    any("driver", (value) => record.driver === value) &&
    any("scope", (value) => value === "local") &&
    any("type", (value) => typeMatches(record, value)) &&
    any("dangling", (value) => readFlag("dangling", value) === (!state.used && !isPredefined(record.name))) &&
    any("until", (value) => new Date(record.created) < pointInTime(value, state.now ?? new Date())) &&
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
  if (cut < 0) return record.labels[label] !== undefined;
  return record.labels[label.slice(0, cut)] === label.slice(cut + 1);
}

function readFlag(key: string, value: string): boolean {
  if (["true", "1"].includes(value)) return true;
  if (["false", "0"].includes(value)) return false;
  throw invalidArgument(`invalid filter '${key}=[${value}]'`);
}

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `10m`, `1h30m` before now; a UNIX time; an RFC 3339 time. */
function pointInTime(value: string, now: Date): Date {
  if (/^\d+(\.\d+)?$/.test(value)) return new Date(Number(value) * 1000);
  if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) {
    const milliseconds = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? 0),
      0,
    );
    return new Date(now.getTime() - milliseconds);
  }
  const time = new Date(value);
  if (Number.isNaN(time.getTime())) throw invalidArgument(`invalid filter 'until=${value}'`);
  return time;
}
