import { isObject } from "@pouchcontainer/plugin-sdk/host";

/**
 * `after`, in whose objects those keys come first that `before` has there, in its order: of an object's keys no difference tells the order,
 * but what is made of them one after the other, as a container's interfaces are of its networks, has it. Both are plain JSON; what is
 * in that order already is not copied.
 */
export function inKeyOrderOf(before: unknown, after: unknown): unknown {
  if (!isObject(before) || !isObject(after)) return after;
  const kept = Object.keys(before).filter((key) => Object.hasOwn(after, key));
  const members = kept.map((key) => inKeyOrderOf(before[key], after[key]));
  const keys = Object.keys(after);
  if (kept.every((key, at) => key === keys[at] && members[at] === after[key])) return after;
  const isKept = new Set(kept);
  const added = keys.filter((key) => !isKept.has(key));
  return Object.fromEntries([...kept.map((key, at) => [key, members[at]]), ...added.map((key) => [key, after[key]])]);
}
