import type { JsonSchema } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { isUtf8 } from "node:buffer";
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
    const given = parametersOf(url.slice(mark + 1));
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      const value = valueOf(name, field, given.get(name) ?? []);
      if (value !== undefined) values[name] = value;
    }
  }
  for (const name of schema.required ?? []) {
    if (!(name in values)) throw invalidArgument(`the query parameter ${name} is missing`);
  }
  return values;
}

/** Each name's values, in their order. */
function parametersOf(query: string): Map<string, Buffer[]> {
  const given = new Map<string, Buffer[]>();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    if (pair.includes(";")) throw invalidArgument("invalid semicolon separator in query");
    const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    const key = unescaped(name).toString();
    const known = given.get(key);
    if (known) known.push(unescaped(value));
    else given.set(key, [unescaped(value)]);
  }
  return given;
}

function unescaped(text: string): Buffer {
  const [wrong] = /%(?![\da-f]{2}).{0,2}/is.exec(text) ?? [];
  if (wrong !== undefined) throw invalidArgument(`invalid URL escape ${JSON.stringify(wrong)}`);
  const bytes = text.replaceAll("+", " ").replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1");
}

function valueOf(name: string, field: JsonSchema & { "x-filters"?: boolean; "x-bytes"?: boolean }, given: Buffer[]): unknown {
  const [first] = given;
  if (first === undefined) return undefined;
  if (first.includes(0))
    throw invalidArgument(`the query parameter ${name} must not contain a NUL: ${JSON.stringify(String(first))}`);
  if (field["x-bytes"]) return first;
  // In JSON a byte that is no text stands for one that is unknown, in dockerd as well.
  if (field["x-filters"]) return decodeFilters(first.toString());
  switch (field.type) {
    case "boolean":
      return isTrue(first.toString());
    case "integer":
      return first.length === 0 ? undefined : wholeNumber(name, first.toString(), field.minimum);
    case "array":
      return given.map((value) => textOf(name, value));
    default:
      return textOf(name, first);
  }
}

/** What is no UTF-8 would be another value once it is text. */
function textOf(name: string, value: Buffer): string {
  if (isUtf8(value)) return value.toString();
  throw invalidArgument(`the query parameter ${name} must be UTF-8, got ${JSON.stringify(value.toString())}`);
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
