import { checkJsonBounds } from "@pouchcontainer/api";
import { isObject } from "./json-patch.ts";
import { valueAt } from "./json-pointer.ts";

/** To look up what the parts of a schema refer to takes the square of them. */
const maxValues = 1000;

/** A few definitions, each of which refers twice to the next one, are more than a check ever gets through. */
const maxExpanded = 10_000;

/** Throws what `refuse` makes of the problem where checking something against a stranger's JSON Schema would be too much work. */
export function checkSchemaBounds(schema: Record<string, unknown>, refuse: (problem: string) => Error): void {
  checkJsonBounds(Buffer.from(JSON.stringify(schema)), { maxValues, refuse });
  let expanded = 0;
  const path = new Set<unknown>();
  const expand = (part: unknown): void => {
    if (typeof part !== "object" || part === null || path.has(part)) return;
    if (++expanded > maxExpanded) throw refuse(`has more than ${maxExpanded} parts where what it refers to is counted`);
    path.add(part);
    for (const value of Object.values(part)) expand(value);
    if (isObject(part)) expand(referred(part));
    path.delete(part);
  };
  const referred = (part: Record<string, unknown>): unknown => {
    const { $ref, $id, $dynamicRef, $recursiveRef } = part;
    if (typeof ($dynamicRef ?? $recursiveRef) === "string" || (typeof $id === "string" && part !== schema))
      throw refuse("has a $dynamicRef, a $recursiveRef, or an $id in a part of it: what refers to what is not to be told");
    if (typeof $ref !== "string") return undefined;
    if (!/^#(\/[^%]*)?$/.test($ref))
      throw refuse(`refers to ${JSON.stringify($ref.slice(0, 100))}; it can refer to parts of itself, as in "#/$defs/port"`);
    return valueAt(schema, $ref.slice(1));
  };
  expand(schema);
}
