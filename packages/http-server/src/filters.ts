import { invalidArgument } from "@pouchcontainer/errors";
import type { Filters } from "./backend.ts";

/** Docker's `filters` query, in the form of today (`{"k":["v"]}`) and that of API 1.21 (`{"k":{"v":true}}`). */
export function decodeFilters(json: string): Filters {
  if (json === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw invalidArgument(`invalid filter: filters must be JSON like {"label":["a=b"]}, got ${JSON.stringify(json)}`, { cause });
  }
  if (parsed === null) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed))
    throw invalidArgument(`invalid filter: filters must be an object, got ${json}`);
  const entries: [string, unknown][] = Object.entries(parsed);
  // All of them in one form, as dockerd reads them.
  const values = [setOf, listOf].map((read) => readAll(entries, read)).find((all) => all !== undefined);
  if (values !== undefined) return values;
  const [key, wrong] = entries.find(([, value]) => !setOf(value) && !listOf(value)) ?? [];
  if (key !== undefined) throw invalidArgument(`invalid filter: ${key} must be a list of strings, got ${JSON.stringify(wrong)}`);
  throw invalidArgument(`invalid filter: filters must be all lists or all objects, got ${json}`);
}

function readAll(entries: [string, unknown][], read: (value: unknown) => string[] | undefined): Filters | undefined {
  const all = entries.map(([key, value]) => [key, read(value)] as const);
  return all.every((entry): entry is readonly [string, string[]] => entry[1] !== undefined) ? Object.fromEntries(all) : undefined;
}

/** Each value once; null, here as in Go, is what a value is without a word about it: no list, and "" in one. */
function listOf(value: unknown): string[] | undefined {
  const list: unknown[] | undefined =
    value === null ? [] : Array.isArray(value) ? value.map((item: unknown) => item ?? "") : undefined;
  return list?.every((item) => typeof item === "string") ? [...new Set(list)] : undefined;
}

/** A key counts whatever it is set to, as in dockerd. */
function setOf(value: unknown): string[] | undefined {
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  const isSet = Object.values(value ?? {}).every((on) => typeof on === "boolean" || on === null);
  return isSet ? Object.keys(value ?? {}) : undefined;
}
