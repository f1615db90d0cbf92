/** Levels of what is looked at: with more, what looks at all of it would run out of its stack. */
const mostLevels = 1000;

/** Whether a value's JSON has about more bytes than that, or more levels than any; of a larger value no more is looked at. */
export function isLargerThan(value: unknown, bytes: number): boolean {
  let room = bytes;
  const uses = (one: unknown, level: number): boolean => {
    if (level > mostLevels) return true;
    if (typeof one === "string") room -= one.length + 2;
    else if (typeof one !== "object" || one === null) room -= 4;
    else {
      // Any object may be read by key.
      const members = one as Record<string, unknown>;
      for (const key of Object.keys(members)) {
        room -= key.length + 4;
        if (room < 0 || uses(members[key], level + 1)) return true;
      }
    }
    return room < 0;
  };
  return uses(value, 0);
}
