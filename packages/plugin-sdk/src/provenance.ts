import { valueAt } from "./json-pointer.ts";

/** One change of a field by one plugin. Without `old` the field was not there before, without `new` it is not there after. */
export interface FieldWrite {
  plugin: string;
  old?: unknown;
  new?: unknown;
  /** JSON pointer of what was written, where that is below the field it is told with. Default: the field. */
  field?: string;
}

/** Who wrote a field last, and who before. */
export interface FieldChange extends FieldWrite {
  /** Oldest first. Default: nobody. */
  earlier?: readonly FieldWrite[];
}

/**
 * What plugins have made of a body, by the JSON pointer of the field: one they added as a whole stands for all that is in it, until one of
 * that is written in turn. Items of a list are known by their content and told at the index they have in the final body; those that are
 * gone at `/-` below the list, and another order of those that stayed as a change of the list. What is not here is as the client sent it.
 */
export type Provenance = Readonly<Record<string, FieldChange>>;

/** What plugins did to a field, oldest first: by itself, or with what it is in. Empty when it is as the client sent it. */
export function writesOf(provenance: Provenance, pointer: string): FieldWrite[] {
  const parts = pointer.split("/");
  const writes: FieldWrite[] = [];
  for (let length = 1; length <= parts.length; length += 1) {
    const change = provenance[parts.slice(0, length).join("/")];
    if (change === undefined) continue;
    const rest = parts
      .slice(length)
      .map((part) => `/${part}`)
      .join("");
    const { earlier = [], ...last } = change;
    // An item's own story is the whole of it: it was at other indexes before.
    if (/^\d+$/.test(parts[length - 1] ?? "")) writes.length = 0;
    for (const write of [...earlier, last]) {
      if (write.field === undefined) writes.push(projected(write, rest));
      else if (write.field === pointer) writes.push(write);
    }
  }
  return writes;
}

function projected(write: FieldWrite, rest: string): FieldWrite {
  const [before, after] = [valueAt(write.old, rest), valueAt(write.new, rest)];
  return {
    plugin: write.plugin,
    ...(before === undefined ? {} : { old: before }),
    ...(after === undefined ? {} : { new: after }),
  };
}
