/** Whether a value's JSON has about more bytes than that; of a larger value no more is looked at. */
export function isLargerThan(value: unknown, bytes: number): boolean {
  let room = bytes;
  const uses = (one: unknown): boolean => {
    if (typeof one === "string") room -= one.length + 2;
    else if (typeof one !== "object" || one === null) room -= 4;
    else
      for (const [key, member] of Object.entries(one)) {
        room -= key.length + 4;
        if (room < 0 || uses(member)) return true;
      }
    return room < 0;
  };
  return uses(value);
}
