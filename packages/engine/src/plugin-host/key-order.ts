import { isObject } from "@pouchcontainer/plugin-sdk/host";

/**
 * `after`, in whose objects those keys come first that `before` has there, in its order: of an object's keys no difference tells the order,
 * but what is made of them one after the other, as a container's interfaces are of its networks, has it. Both are plain JSON.
 */
export function inKeyOrderOf(before: unknown, after: unknown): unknown {
  if (!isObject(before) || !isObject(after)) return after;
  const kept = Object.keys(before).filter((key) => Object.hasOwn(after, key));
  const isKept = new Set(kept);
  const added = Object.keys(after).filter((key) => !isKept.has(key));
  return Object.fromEntries([
    ...kept.map((key) => [key, inKeyOrderOf(before[key], after[key])]),
    ...added.map((key) => [key, after[key]]),
  ]);
}
