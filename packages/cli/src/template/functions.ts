import { goPrintf, goString } from "./go-format.ts";
import { TemplateError } from "./syntax.ts";

export type TemplateFunction = (...args: unknown[]) => unknown;

/** What Go's templates and Docker's CLI offer in templates. `and` and `or` are short-circuited by the evaluator. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  // Docker's
  json: (value) => toJson(value),
  join: (items, separator) =>
    asList(items, "join")
      .map((one) => goString(one))
      .join(goString(separator)),
  lower: (value) => goString(value).toLowerCase(),
  upper: (value) => goString(value).toUpperCase(),
  title: (value) => goString(value).replaceAll(/(^|\s)(\S)/g, (_, blank: string, letter: string) => blank + letter.toUpperCase()),
  split: (value, separator) => goString(value).split(goString(separator)),
  pad: (value, before, after) =>
    value === "" ? value : " ".repeat(Number(before)) + goString(value) + " ".repeat(Number(after)),
  truncate: (value, length) => Array.from(goString(value)).slice(0, Number(length)).join(""),
  table: () => "",
  // Go's
  print: (...values) => goPrint(values),
  println: (...values) => `${values.map((one) => goString(one, false)).join(" ")}\n`,
  printf: (format, ...values) => goPrintf(goString(format), values),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce<unknown>(indexOnce, value),
  slice: (value, from, to) => sliceOf(value, from, to),
  not: (value) => !isTrue(value),
  eq: (first, ...others) => {
    if (others.length === 0) throw new TemplateError("error calling eq: missing argument for comparison");
    return others.some((other) => compare(first, other) === 0);
  },
  ne: (a, b) => compare(a, b) !== 0,
  lt: (a, b) => ordered(a, b) < 0,
  le: (a, b) => ordered(a, b) <= 0,
  gt: (a, b) => ordered(a, b) > 0,
  ge: (a, b) => ordered(a, b) >= 0,
  html: (value) => goString(value).replaceAll(/[&<>"']/g, (char) => `&#${char.codePointAt(0)};`),
  js: (value) => JSON.stringify(goString(value)).slice(1, -1).replaceAll("'", "\\'"),
  urlquery: (value) => encodeURIComponent(goString(value)).replaceAll("%20", "+"),
};

/** JSON of a value; the fields that a row computes (functions without parameters) are computed. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => jsonPart(one)) ?? "null";
}

// TypeScript's library does not have it yet.
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

function jsonPart(value: unknown): unknown {
  if (typeof value === "bigint") return rawJSON(String(value));
  return typeof value === "function" ? undefined : value;
}

/** Go's idea of truth: not false, 0, "", nil, nor empty. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** Adds blanks between operands when neither is a string. */
function goPrint(values: readonly unknown[]): string {
  return values
    .map((one, at) => (at > 0 && typeof one !== "string" && typeof values[at - 1] !== "string" ? " " : "") + goString(one, false))
    .join("");
}

function asList(value: unknown, caller: string): unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value))
    throw new TemplateError(`error calling ${caller}: wrong type for value; expected a list, got ${typeof value}`);
  return value;
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === "object" && value !== null) return Object.keys(value).length;
  if (value === null || value === undefined) return 0;
  throw new TemplateError(`error calling len: len of type ${typeof value}`);
}

function indexOnce(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) throw new TemplateError("error calling index: index of untyped nil");
  if (Array.isArray(value) || typeof value === "string") {
    const at = Number(key);
    if (!Number.isInteger(at) || at < 0 || at >= value.length)
      throw new TemplateError(`error calling index: index out of range: ${goString(key)}`);
    return typeof value === "string" ? value.charCodeAt(at) : value[at];
  }
  // Objects of the API are keyed by strings; a key that is not there is Go's zero value.
  if (typeof value === "object")
    return Object.hasOwn(value, goString(key)) ? (value as Record<string, unknown>)[goString(key)] : "";
  throw new TemplateError(`error calling index: can't index item of type ${typeof value}`);
}

function sliceOf(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value !== "string" && !Array.isArray(value)) throw new TemplateError("error calling slice: can't slice item");
  const end = to === undefined ? value.length : Number(to);
  if (end > value.length) throw new TemplateError(`error calling slice: index out of range: ${end}`);
  return value.slice(Number(from ?? 0), end);
}

const isNumeric = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";

function compare(a: unknown, b: unknown): number {
  if (isNumeric(a) && isNumeric(b)) return Number(a > b) - Number(a < b);
  if (a === b || ((a === null || a === undefined) && (b === null || b === undefined))) return 0;
  if (a !== null && b !== null && a !== undefined && b !== undefined && typeof a !== typeof b) {
    throw new TemplateError("error calling eq: incompatible types for comparison");
  }
  return 1;
}

function ordered(a: unknown, b: unknown): number {
  if (isNumeric(a) && isNumeric(b)) return compare(a, b);
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new TemplateError("error calling lt: incompatible types for comparison");
}
