import { invalidArgument } from "@pouchcontainer/errors";

/** One operation of RFC 6902; the differ makes these three. */
export type PatchOperation =
  { op: "add"; path: string; value: unknown } | { op: "replace"; path: string; value: unknown } | { op: "remove"; path: string };

/** What one body may hold, so that a runaway plugin costs an error and not the daemon's memory. */
const maxNodes = 1_000_000;
const maxTextLength = 32 * 1024 * 1024;
const maxDepth = 100;

interface Budget {
  nodes: number;
  text: number;
}

/**
 * A deep copy that is plain JSON, as `JSON.stringify` and back would make it, at a fraction of the cost. Throws
 * `invalidArgument` with the field's name for functions, cycles, numbers that JSON lacks, and bodies beyond all measure.
 */
export function cloneJson<T>(value: T): T {
  // The copy has the shape of the original; members that are `undefined` are absent, which optional properties allow.
  return copy(value, "", 0, { nodes: 0, text: 0 }) as T;
}

function copy(value: unknown, path: string, depth: number, budget: Budget): unknown {
  switch (typeof value) {
    case "string":
      spend(value, budget);
      return value;
    case "boolean":
    case "undefined":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw invalidArgument(`${label(path)} is ${value}, which JSON cannot hold`);
      return value;
    case "object":
      return value === null ? null : copyObject(value, path, depth, budget);
    default:
      throw invalidArgument(`${label(path)} is a ${typeof value}, which JSON cannot hold`);
  }
}

function copyObject(value: object, path: string, depth: number, budget: Budget): unknown {
  budget.nodes += 1;
  if (budget.nodes > maxNodes) throw invalidArgument(`the body holds more than ${maxNodes} objects`);
  if (depth > maxDepth) throw invalidArgument(`${label(path)} is nested deeper than ${maxDepth} levels, or contains itself`);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    // JSON writes holes and undefined members of an array as null.
    for (let index = 0; index < value.length; index += 1) items.push(copy(value[index], path, depth + 1, budget) ?? null);
    return items;
  }
  // Any object may be read by key; members are looked at one by one.
  const source = value as Record<string, unknown>;
  if (typeof source["toJSON"] === "function") return copy(source["toJSON"](), path, depth + 1, budget);
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(source)) {
    const member = copy(source[key], key, depth + 1, budget);
    if (member === undefined) continue;
    spend(key, budget);
    // An own property, never the prototype.
    if (key === "__proto__")
      Object.defineProperty(result, key, { value: member, enumerable: true, writable: true, configurable: true });
    else result[key] = member;
  }
  return result;
}

function spend(text: string, budget: Budget): void {
  budget.text += text.length;
  if (budget.text > maxTextLength) throw invalidArgument(`the body holds more than ${maxTextLength} characters`);
}

function label(field: string): string {
  return field === "" ? "the body" : `field ${field}`;
}

/** Whether two plain JSON values are equal. Objects are equal whatever the order of their keys. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  // Plain JSON objects, by the checks above.
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(right, key) && equalJson(left[key], right[key]));
}

/** The operations of RFC 6902 that turn one plain JSON value into another: as deep as possible, as few as reasonable. */
export function difference(before: unknown, after: unknown): PatchOperation[] {
  const patch: PatchOperation[] = [];
  diff(before, after, "", patch);
  return patch;
}

function diff(before: unknown, after: unknown, path: string, patch: PatchOperation[]): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) return diffArrays(before, after, path, patch);
  if (isObject(before) && isObject(after)) return diffObjects(before, after, path, patch);
  patch.push({ op: "replace", path, value: after });
}

function diffObjects(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: string,
  patch: PatchOperation[],
): void {
  for (const key of Object.keys(before))
    if (!Object.hasOwn(after, key)) patch.push({ op: "remove", path: `${path}/${escape(key)}` });
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (!Object.hasOwn(before, key)) patch.push({ op: "add", path: `${path}/${escape(key)}`, value });
    // The member path is built only where members differ: most do not.
    else if (before[key] !== value) diff(before[key], value, `${path}/${escape(key)}`, patch);
  }
}

/** Arrays keep their common head and tail; what lies between is replaced item by item, then removed or added. */
function diffArrays(before: unknown[], after: unknown[], path: string, patch: PatchOperation[]): void {
  let head = 0;
  while (head < before.length && head < after.length && equalJson(before[head], after[head])) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && equalJson(before.at(-1 - tail), after.at(-1 - tail)))
    tail += 1;

  const common = Math.min(before.length, after.length) - tail;
  for (let index = head; index < common; index += 1) diff(before[index], after[index], `${path}/${index}`, patch);
  for (let index = before.length - tail - 1; index >= common; index -= 1) patch.push({ op: "remove", path: `${path}/${index}` });
  for (let index = common; index < after.length - tail; index += 1)
    patch.push({ op: "add", path: `${path}/${index}`, value: after[index] });
}

/** Whether it is what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function escape(key: string): string {
  return key.includes("~") || key.includes("/") ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}

/** The value a JSON pointer leads to; undefined where it leads nowhere. */
export function valueAt(root: unknown, pointer: string): unknown {
  let current = root;
  for (const part of pointer === "" ? [] : pointer.slice(1).split("/")) {
    if (typeof current !== "object" || current === null) return undefined;
    // Arrays and objects alike may be read by key.
    current = (current as Record<string, unknown>)[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return current;
}

/** Freezes a plain JSON value with everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
