import { pointerPart } from "./json-pointer.ts";

/** One operation of RFC 6902; the differ makes these three. */
export type PatchOperation =
  { op: "add"; path: string; value: unknown } | { op: "replace"; path: string; value: unknown } | { op: "remove"; path: string };

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
    if (!Object.hasOwn(after, key)) patch.push({ op: "remove", path: `${path}/${pointerPart(key)}` });
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (!Object.hasOwn(before, key)) patch.push({ op: "add", path: `${path}/${pointerPart(key)}`, value });
    // The member path is built only where members differ: most do not.
    else if (before[key] !== value) diff(before[key], value, `${path}/${pointerPart(key)}`, patch);
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

/** Freezes a plain JSON value with everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
