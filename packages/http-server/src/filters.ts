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
  return Object.fromEntries(Object.entries(parsed).map(([key, values]) => [key, filterValues(key, values)]));
}

function filterValues(key: string, values: unknown): string[] {
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) return values;
  if (typeof values === "object" && values !== null && !Array.isArray(values)) {
    // A key counts whatever it is set to, as in dockerd.
    if (Object.values(values).every((on) => typeof on === "boolean")) return Object.keys(values);
  }
  throw invalidArgument(`invalid filter: ${key} must be a list of strings, got ${JSON.stringify(values)}`);
}
