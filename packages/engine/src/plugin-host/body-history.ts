import {
  valueAt,
  type FieldChange,
  type FieldWrite,
  type PatchOperation,
  type Provenance,
} from "@pouchcontainer/plugin-sdk/host";
import { commonEnds } from "./common-ends.ts";

/** A place in the body that plugins wrote to. */
interface Place {
  /** Oldest first. */
  writes: FieldWrite[];
  /** By the part of the JSON pointer that leads there. */
  members: Map<string, Place>;
  /** Of a list whose items were written, beside them. */
  items: (FieldWrite[] | undefined)[];
  removed: FieldWrite[];
  /** Of a list whose items changed places among themselves: as it was, and as it is. */
  moves: FieldWrite[];
}

const newPlace = (): Place => ({ writes: [], members: new Map(), items: [], removed: [], moves: [] });

/**
 * Who changed what of a body on its way through the chains: what validators are told beside it. In time and room that grow with the patches, and
 * with the lists they touch.
 */
export class BodyHistory {
  readonly #root = newPlace();
  readonly #bodies: unknown[] = [];

  note(plugin: string, before: unknown, after: unknown, patch: readonly PatchOperation[]): void {
    if (this.#bodies.length === 0) this.#bodies.push(before);
    this.#bodies.push(after);
    const lists = new Map<string, { place: Place; inherited: string | undefined }>();
    for (const operation of patch) {
      const { place, list, inherited } = this.#placeOf(operation.path, before);
      if (list !== undefined) lists.set(list, { place, inherited });
      else write(plugin, place, valueAt(before, operation.path), operation);
    }
    for (const [list, { place, inherited }] of lists)
      noteList({ plugin, place, inherited, isEnv: list === "/Env" }, itemsAt(before, list), itemsAt(after, list));
  }

  /** The body as it came into the first chain, and as each plugin left it; none where no plugin had it. */
  get bodies(): readonly unknown[] {
    return this.#bodies;
  }

  get provenance(): Provenance {
    const told: Record<string, FieldChange> = {};
    collect(this.#root, "", told);
    return told;
  }

  /** The place of a field, or of the outermost list that it is in. `inherited`: who wrote last what that is in. */
  #placeOf(path: string, before: unknown): { place: Place; list: string | undefined; inherited: string | undefined } {
    let place = this.#root;
    let inherited = place.writes.at(-1)?.plugin;
    let value = before;
    let at = "";
    for (const part of path === "" ? [] : path.slice(1).split("/")) {
      if (Array.isArray(value)) return { place, list: at, inherited };
      value = valueAt(value, `/${part}`);
      at += `/${part}`;
      let member = place.members.get(part);
      if (member === undefined) place.members.set(part, (member = newPlace()));
      place = member;
      inherited = place.writes.at(-1)?.plugin ?? inherited;
    }
    return { place, list: undefined, inherited };
  }
}

function write(plugin: string, place: Place, old: unknown, operation: PatchOperation): void {
  const below: Record<string, FieldChange> = {};
  collect({ ...place, writes: [] }, operation.path, below);
  for (const [field, { earlier = [], ...last }] of Object.entries(below))
    for (const one of [...earlier, last]) place.writes.push({ field, ...one });
  place.members.clear();
  place.items = [];
  place.removed = [];
  place.moves = [];
  place.writes.push({
    plugin,
    ...(old === undefined ? {} : { old }),
    ...(operation.op === "remove" ? {} : { new: operation.value }),
  });
}

interface ListPlace {
  plugin: string;
  place: Place;
  inherited: string | undefined;
  isEnv: boolean;
}

/**
 * Items are the same by their content; one that came in takes the place of one that is gone, of the same name or at the same index. Those
 * that stayed, in another order, are a change of the list.
 */
function noteList({ plugin, place, inherited, isEnv }: ListPlace, before: readonly unknown[], after: readonly unknown[]): void {
  const isUntouched = place.items.length === 0 && place.removed.length === 0;
  // Who made the list made its items.
  if (isUntouched && inherited !== undefined) place.items = before.map((item) => [{ plugin: inherited, new: item }]);
  const from = originsOf(before.map(contentOf), after.map(contentOf));
  const kept = from.filter((origin) => origin !== undefined);
  if (kept.some((origin, at) => origin < (kept[at - 1] ?? 0))) place.moves.push({ plugin, old: before, new: after });
  const left = new Set(before.keys());
  for (const origin of kept) left.delete(origin);
  const named = new Map(isEnv ? [...left].map((index) => [nameOf(before[index]), index]) : []);
  const items = after.map((item, index) => {
    const origin = from[index];
    if (origin !== undefined) return place.items[origin];
    const replaced = isEnv ? named.get(nameOf(item)) : index;
    if (replaced === undefined || !left.delete(replaced)) return [{ plugin, new: item }];
    return [...(place.items[replaced] ?? []), { plugin, old: before[replaced], new: item }];
  });
  for (const index of left) place.removed.push(...(place.items[index] ?? []), { plugin, old: before[index] });
  place.items = items;
}

/** Where each item of a list was; of equal ones the first is taken first, after what both lists begin and end with. */
function originsOf(before: readonly string[], after: readonly string[]): (number | undefined)[] {
  const { head, tail } = commonEnds(before, after);
  const gone = new Map<string, number[]>();
  for (let index = before.length - tail - 1; index >= head; index -= 1) {
    const key = before[index] ?? "";
    const same = gone.get(key);
    if (same === undefined) gone.set(key, [index]);
    else same.push(index);
  }
  return after.map((key, index) => {
    if (index < head) return index;
    return index < after.length - tail ? gone.get(key)?.pop() : index - after.length + before.length;
  });
}

function contentOf(item: unknown): string {
  return JSON.stringify(item);
}

function nameOf(entry: unknown): string {
  return String(entry).split("=", 1)[0] ?? "";
}

function itemsAt(body: unknown, list: string): readonly unknown[] {
  const items = valueAt(body, list);
  return Array.isArray(items) ? items : [];
}

function collect(place: Place, pointer: string, told: Record<string, FieldChange>): void {
  const { writes, members, items, removed, moves } = place;
  tell([...writes, ...moves], pointer, told);
  for (const [index, item] of items.entries()) tell(item ?? [], `${pointer}/${index}`, told);
  tell(removed, `${pointer}/-`, told);
  for (const [part, member] of members) collect(member, `${pointer}/${part}`, told);
}

function tell(writes: readonly FieldWrite[], pointer: string, told: Record<string, FieldChange>): void {
  const last = writes.at(-1);
  if (last !== undefined) told[pointer] = { ...last, ...(writes.length === 1 ? {} : { earlier: writes.slice(0, -1) }) };
}
