import { invalidArgument } from "@pouchcontainer/errors";
import type { TSchema } from "typebox";
import { fieldName } from "./field-name.ts";
import type { JsonSchema } from "./json-schema.ts";
import { pathOf } from "./problem.ts";

/**
 * The value with its fields under the names that `decodeBody` would read them by, and without those it would drop; the values of fields are
 * not looked at. A new object, which shares with the input what has no names; the input is not changed. Throws `invalidArgument` where two keys stand for one field.
 */
export function namedFields(schema: TSchema, value: unknown): unknown {
  // A TypeBox schema is plain JSON Schema at run time.
  return named(schema, value, () => "");
}

/** `path` is made where there is something to say of it: most values hold nothing that has a name. */
function named(schema: JsonSchema, value: unknown, path: () => string): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { items, properties, patternProperties } = alternativeFor(schema, value);
  if (Array.isArray(value))
    return items === undefined || !hasNames(items)
      ? value
      : value.map((item: unknown, index) => named(items, item, () => pathOf(path(), index)));
  const free = patternProperties?.["^.*$"];
  if (free !== undefined) {
    if (!hasNames(free)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, named(free, entry, () => pathOf(path(), key))]));
  }
  return properties === undefined ? value : withNames(properties, value, path);
}

/** Whether anything in such a value is a field with a name: of thousands of labels or variables nothing is. */
function hasNames({ items, properties, patternProperties, anyOf = [] }: JsonSchema): boolean {
  const below = [items, patternProperties?.["^.*$"], ...anyOf];
  return properties !== undefined || below.some((schema) => schema !== undefined && hasNames(schema));
}

/** Alternatives are "T or null" and constants. */
function alternativeFor(schema: JsonSchema, value: object): JsonSchema {
  const type = Array.isArray(value) ? "array" : "object";
  return schema.anyOf?.find((alternative) => alternative.type === type) ?? schema;
}

function withNames(
  properties: NonNullable<JsonSchema["properties"]>,
  value: object,
  path: () => string,
): Record<string, unknown> {
  const keys = new Map<string, string>();
  const fields: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const name = fieldName(properties, key);
    const property = name === undefined ? undefined : properties[name];
    if (name === undefined || property === undefined) continue;
    const other = keys.get(name);
    if (other !== undefined)
      throw invalidArgument(`${pathOf(path(), other)} and ${pathOf(path(), key)} are the same field, which it has twice`);
    keys.set(name, key);
    fields[name] = named(property, field, () => pathOf(path(), name));
  }
  return fields;
}
