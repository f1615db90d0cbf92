import type { JsonSchema } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { decodeFilters } from "./filters.ts";

/**
 * Reads a query along an endpoint's schema with Docker's rules: a flag is false when it is empty, 0, no, false or none, and
 * true otherwise; an empty number is absent; parameters that are not in the schema have no effect.
 */
export function decodeQuery(schema: JsonSchema | undefined, url: string): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  if (!schema) return values;
  const mark = url.indexOf("?");
  if (mark >= 0 && mark < url.length - 1) {
    const query = url.slice(mark + 1);
    const given = new URLSearchParams(query);
    refuseOtherThanText(query, given);
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      const value = valueOf(name, field, given);
      if (value !== undefined) values[name] = value;
    }
  }
  for (const name of schema.required ?? []) {
    if (!(name in values)) throw invalidArgument(`the query parameter ${name} is missing`);
  }
  return values;
}

/** What is no UTF-8 is another value once it is decoded, a path that of another file; a NUL no name can have. */
function refuseOtherThanText(query: string, given: URLSearchParams): void {
  for (const [name, value] of given) {
    if (value.includes("\0"))
      throw invalidArgument(`the query parameter ${name} must not contain a NUL: ${JSON.stringify(value)}`);
    if (value.includes("\ufffd") && !query.split("&").every(isUtf8))
      throw invalidArgument(`the query parameter ${name} must be UTF-8, got ${JSON.stringify(value)}`);
  }
}

function isUtf8(escaped: string): boolean {
  try {
    decodeURIComponent(escaped);
    return true;
  } catch {
    return false;
  }
}

function valueOf(name: string, field: JsonSchema & { "x-filters"?: boolean }, given: URLSearchParams): unknown {
  const value = given.get(name);
  if (value === null) return undefined;
  if (field["x-filters"]) return decodeFilters(value);
  switch (field.type) {
    case "boolean":
      return isTrue(value);
    case "integer":
      return value === "" ? undefined : wholeNumber(name, value, field.minimum);
    case "array":
      return given.getAll(name);
    default:
      return value;
  }
}

const falseWords = new Set(["", "0", "no", "false", "none"]);

function isTrue(value: string): boolean {
  return !falseWords.has(value.trim().toLowerCase());
}

function wholeNumber(name: string, value: string, minimum = -Infinity): number {
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= minimum) return number;
  throw invalidArgument(
    `the query parameter ${name} must be an integer${minimum === 0 ? " not below 0" : ""}, got ${JSON.stringify(value)}`,
  );
}
