import type { PointName } from "@pouchcontainer/plugin-sdk";
import { entryOf, isObject } from "@pouchcontainer/plugin-sdk/host";

/** A request without functions: of what has some, its data. */
export function dataOfRequest(point: PointName, request: unknown): Record<string, unknown> {
  const members = { ...(isObject(request) ? request : {}) };
  for (const { name, isHandle, schema } of entryOf(point).args) {
    if (isHandle !== true) continue;
    const handle = members[name];
    delete members[name];
    if (!isObject(handle) || !("properties" in schema) || !isObject(schema.properties)) continue;
    members[name] = Object.fromEntries(Object.keys(schema.properties).map((key) => [key, handle[key]]));
  }
  return members;
}
