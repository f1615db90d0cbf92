import type { PluginManifest, PluginPermissions, PointName } from "@pouchcontainer/plugin-sdk";
import { entryOf, isObject } from "@pouchcontainer/plugin-sdk/host";
import { globPattern } from "../glob-pattern.ts";

/**
 * What the operator should know of patterns that name no field of the body at their point: most likely they are misspelt. No error, as a
 * later version's body may have the field.
 */
export function fieldWarnings({ name, permissions, narrowed }: PluginManifest): string[] {
  const warn = (whose: string, of: PluginPermissions = {}): string[] => {
    const unknown = unknownFields(of);
    return unknown.length === 0 ? [] : [`${whose} name what no body at the point has: ${unknown.join(", ")}`];
  };
  return [...warn(`permissions of plugin "${name}"`, permissions), ...warn(`the operator's permissions for "${name}"`, narrowed)];
}

function unknownFields({ fields = {} }: PluginPermissions): string[] {
  // Keys of `fields` are points.
  const points = Object.keys(fields) as PointName[];
  return points.flatMap((point) => {
    const schema = bodySchema(point);
    const unknown = (fields[point] ?? []).filter((pattern) => !leadsTo(schema, pattern.split(".")));
    return unknown.map((pattern) => `${pattern} at ${point}`);
  });
}

/** Of an update a plugin gets what the client sent, which is anybody's: `unknown`. */
function bodySchema(point: PointName): unknown {
  const { answer } = entryOf(point);
  return answer?.name === "env" ? { type: "object", properties: { Env: answer.schema } } : answer?.schema;
}

/** Whether something that a schema describes may be at the end of a way; what the schema leaves open may be anything. */
function leadsTo(schema: unknown, way: readonly string[], name = ""): boolean {
  const [part, ...rest] = way;
  if (part === undefined || !isObject(schema)) return true;
  const { type, properties, patternProperties, anyOf } = schema;
  if (Array.isArray(anyOf)) return anyOf.some((choice) => leadsTo(choice, way, name));
  if (isObject(patternProperties)) return leadsToEntry(Object.values(patternProperties)[0], rest);
  if (type === "array") return name === "Env";
  if (type !== "object") return type === undefined && !("enum" in schema) && !("const" in schema);
  const matches = globPattern(part);
  return Object.entries(isObject(properties) ? properties : {}).some(
    ([key, member]) => matches(key) && leadsTo(member, rest, key),
  );
}

/** Keys may have dots: a part of the rest may still be the key's. */
function leadsToEntry(entry: unknown, rest: readonly string[]): boolean {
  const isField = isObject(entry) && isObject(entry["properties"]) && Object.keys(entry["properties"]).length > 0;
  return !isField || rest.length === 0 || rest.some((_, at) => leadsTo(entry, rest.slice(at)));
}
