import { pointNames, type PointName } from "@pouchcontainer/plugin-sdk";
import { entryOf, isObject } from "@pouchcontainer/plugin-sdk/host";
import { FieldPatterns } from "./field-patterns.ts";

/**
 * The entries of maps in the body of a point, whose names are not fields of the API: a network that a container is connected to, a volume.
 * That there is one says something by itself.
 */
export function mapEntriesAt(point: PointName): FieldPatterns {
  return entries.get(point) ?? noEntries;
}

const noEntries = new FieldPatterns([]);
const entries = new Map(pointNames.map((point) => [point, new FieldPatterns(mapEntries(entryOf(point).answer?.schema))]));

/** As patterns, of a JSON Schema: `NetworkingConfig.EndpointsConfig.*`. */
export function mapEntries(schema: unknown, parts: readonly string[] = []): string[] {
  if (!isObject(schema)) return [];
  const { properties, patternProperties, anyOf } = schema;
  if (isObject(patternProperties)) return [[...parts, "*"].join(".")];
  const members = isObject(properties) ? Object.entries(properties) : [];
  const choices = Array.isArray(anyOf) ? anyOf : [];
  return [
    ...members.flatMap(([name, member]) => mapEntries(member, [...parts, name])),
    ...choices.flatMap((choice: unknown) => mapEntries(choice, parts)),
  ];
}
