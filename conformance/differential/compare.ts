/** A field that is not the same, both values as JSON; `absent` where there is none. */
export interface FieldDifference {
  field: string;
  ours: string;
  dockerd: string;
}

const absent = Symbol("absent");

/** Where two values differ. A part that only one side has is one difference. */
export function compare(ours: unknown, theirs: unknown, path = ""): FieldDifference[] {
  if (isObject(ours) && isObject(theirs)) {
    const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
    return keys.flatMap((key) => compare(memberOf(ours, key), memberOf(theirs, key), path === "" ? key : `${path}.${key}`));
  }
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const length = Math.max(ours.length, theirs.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      compare(index < ours.length ? ours[index] : absent, index < theirs.length ? theirs[index] : absent, `${path}.${index}`),
    );
  }
  return ours === theirs ? [] : [{ field: path, ours: shown(ours), dockerd: shown(theirs) }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function memberOf(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : absent;
}

function shown(value: unknown): string {
  return value === absent ? "absent" : JSON.stringify(value);
}
