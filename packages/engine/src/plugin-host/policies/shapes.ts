import { isObject } from "@pouchcontainer/plugin-sdk/host";
import type { CelType } from "@bufbuild/cel";

/** JSON Schema of a value; undefined where nothing is known of it. */
export type Shape = Readonly<Record<string, unknown>> | undefined;

export const textShape: Shape = { type: "string" };

const celNames: Readonly<Record<string, readonly string[]>> = {
  string: ["string"],
  integer: ["int"],
  // A whole number is an int.
  number: ["int", "double"],
  boolean: ["bool"],
  array: ["list"],
  object: ["map"],
};

/** The shape of a member, or the names of those there are where it is none of them. */
export function memberOf(shape: Shape, name: string): { shape: Shape } | { known: string[] } {
  const { properties, patternProperties, additionalProperties } = alone(shape) ?? {};
  const named = isObject(properties) ? properties : {};
  if (Object.hasOwn(named, name)) return { shape: shapeOf(named[name]) };
  if (isObject(patternProperties)) return { shape: shapeOf(Object.values(patternProperties)[0]) };
  if (isObject(additionalProperties)) return { shape: shapeOf(additionalProperties) };
  const known = Object.keys(named);
  return known.length > 0 || additionalProperties === false ? { known } : { shape: undefined };
}

/** The shape of what a list, or a map whose keys are free, holds. */
export function itemOf(shape: Shape): Shape {
  const { items, patternProperties, additionalProperties } = alone(shape) ?? {};
  if (isObject(patternProperties)) return shapeOf(Object.values(patternProperties)[0]);
  return shapeOf(items) ?? shapeOf(additionalProperties);
}

export function isOf(shape: Shape, type: "array" | "object"): boolean {
  return alone(shape)?.["type"] === type;
}

/** The shape of what a function of CEL returns. */
export function shapeOfType({ name }: CelType): Shape {
  const type = Object.keys(celNames).find((one) => one !== "number" && celNames[one]?.includes(name));
  return type === undefined ? undefined : type === "array" || type === "object" ? { type } : { type };
}

/** Whether a value of that shape may be one of the type. */
export function fits(shape: Shape, { name }: CelType): boolean {
  return name === "dyn" || (celTypesOf(shape)?.includes(name) ?? true);
}

/** What the value may be for CEL; undefined where that is not known. */
export function celTypesOf(shape: Shape): readonly string[] | undefined {
  const type = alone(shape)?.["type"];
  return typeof type === "string" ? celNames[type] : undefined;
}

function shapeOf(value: unknown): Shape {
  return isObject(value) ? value : undefined;
}

/** What may be null as well is not there when it is. */
function alone(shape: Shape): Shape {
  const { anyOf } = shape ?? {};
  if (!Array.isArray(anyOf)) return shape;
  const others = anyOf.filter((one) => isObject(one) && one["type"] !== "null");
  return others.length === 1 ? shapeOf(others[0]) : undefined;
}

/** Names that begin and end most alike come first. */
export function noMember(name: string, known: readonly string[]): string {
  const near = known.toSorted((a, b) => alike(name, b) - alike(name, a)).slice(0, 5);
  const rest = known.length > near.length ? ", …" : "";
  return `there is no field ${name}; ${near.length === 0 ? "there are none here" : `there is ${near.join(", ")}${rest}`}`;
}

/** How many letters two names have in common at their ends, together. */
function alike(one: string, other: string): number {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < most - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  return head + tail;
}
