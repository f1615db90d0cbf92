/** A member's name or an index as a JSON pointer has it (RFC 6901). */
export function pointerPart(name: string): string {
  return name.includes("~") || name.includes("/") ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name;
}

/** The names and indexes that a JSON pointer goes along. */
export function pointerParts(pointer: string): string[] {
  if (pointer === "") return [];
  return pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value a JSON pointer leads to; undefined where it leads nowhere: to what every object has without being told, too. */
export function valueAt(root: unknown, pointer: string): unknown {
  let current = root;
  for (const part of pointerParts(pointer)) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, part)) return undefined;
    // Arrays and objects alike may be read by key.
    current = (current as Record<string, unknown>)[part];
  }
  return current;
}
