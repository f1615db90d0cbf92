import { cutText } from "@pouchcontainer/errors";
import { fieldName } from "@pouchcontainer/plugin-sdk/host";
import { equalJson, valueAt, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { jsonBytes } from "./json-bytes.ts";
import { redactValue } from "./redact.ts";

/** Two plugins of one chain that gave one field different values. */
export interface Conflict {
  field: string;
  first: { plugin: string; value: unknown };
  second: { plugin: string; value: unknown };
}

interface Written {
  plugin: string;
  value: unknown;
}

/** A place in the body: what was written there, and into the list that is there, by content. */
interface Place {
  written?: Written;
  items: Map<string, Written>;
  /** By the part of the JSON pointer that leads there. */
  members: Map<string, Place>;
}

/** What one plugin would write: conflicts with those before it, and how it is noted once it is taken. */
export interface PlannedWrites {
  conflicts: Conflict[];
  take: () => void;
}

/** Where what one plugin writes is gathered. */
interface Plan {
  plugin: string;
  conflicts: Conflict[];
  writes: (() => void)[];
}

const newPlace = (): Place => ({ items: new Map(), members: new Map() });

/**
 * What the plugins of one chain run have written so far. Items of a list are known by their content, not their index,
 * because a later plugin may insert before them; an environment variable is known by its name.
 */
export class WriteLog {
  readonly #root = newPlace();

  /** What a plugin made of a body. Until it is taken nothing is noted: what is refused was never written. */
  plan(plugin: string, before: unknown, after: unknown, patch: readonly PatchOperation[]): PlannedWrites {
    const plan: Plan = { plugin, conflicts: [], writes: [] };
    const lists = new Set<string>();
    // Operations on the members of one object follow each other.
    let parent: { path: string; isList: boolean; place: Place } | undefined;
    for (const operation of patch) {
      const { path } = operation;
      const end = path.lastIndexOf("/");
      const parentPath = path.slice(0, Math.max(end, 0));
      if (parent?.path !== parentPath)
        parent = { path: parentPath, isList: Array.isArray(valueAt(before, parentPath)), place: this.#placeAt(parentPath) };
      if (parent.isList && path !== "") lists.add(parentPath);
      else {
        const place = path === "" ? this.#root : memberOf(parent.place, path.slice(end + 1));
        write(plan, path, place, operation.op === "remove" ? undefined : operation.value);
      }
    }
    for (const list of lists) {
      const { items } = this.#placeAt(list);
      writeList(plan, list, items, [itemsAt(before, list), itemsAt(after, list)]);
    }
    const { conflicts, writes } = plan;
    return { conflicts, take: () => writes.forEach((write) => write()) };
  }

  #placeAt(path: string): Place {
    let place = this.#root;
    for (const part of path === "" ? [] : path.slice(1).split("/")) place = memberOf(place, part);
    return place;
  }
}

function memberOf({ members }: Place, part: string): Place {
  let place = members.get(part);
  if (place === undefined) members.set(part, (place = newPlace()));
  return place;
}

function write(plan: Plan, path: string, place: Place, value: unknown): void {
  const { plugin } = plan;
  compare(plan, path, place.written, value);
  compareBelow(plan, path, place, value);
  plan.writes.push(() => {
    place.written = { plugin, value };
    // A list made here in one piece may be changed item by item later.
    if (Array.isArray(value)) for (const item of value) place.items.set(itemKey(path, item), { plugin, value: item });
  });
}

/** Removing or overwriting a parent takes what was written below it along. */
function compareBelow(plan: Plan, path: string, place: Place, value: unknown): void {
  for (const [part, member] of place.members) {
    const memberPath = `${path}/${part}`;
    const now = valueAt(value, `/${part}`);
    compare(plan, memberPath, member.written, now);
    for (const item of member.items.values()) compare(plan, memberPath, item, undefined);
    compareBelow(plan, memberPath, member, now);
  }
}

function compare({ plugin, conflicts }: Plan, path: string, earlier: Written | undefined, value: unknown): void {
  if (earlier !== undefined && earlier.plugin !== plugin && !equalJson(earlier.value, value))
    conflicts.push(conflictOf(path, earlier, plugin, value));
}

function writeList(
  plan: Plan,
  list: string,
  items: Place["items"],
  [before, after]: readonly [readonly unknown[], readonly unknown[]],
): void {
  const { plugin } = plan;
  const now = new Map(after.map((item) => [itemKey(list, item), item]));
  const old = new Map(before.map((item) => [itemKey(list, item), item]));
  for (const key of old.keys()) compare(plan, list, items.get(key), now.get(key));
  plan.writes.push(() => {
    for (const [key, item] of now) if (!equalJson(old.get(key), item)) items.set(key, { plugin, value: item });
  });
}

function itemsAt(body: unknown, list: string): readonly unknown[] {
  const items = valueAt(body, list);
  return Array.isArray(items) ? items : [];
}

function itemKey(list: string, item: unknown): string {
  return typeof item === "string" && list.endsWith("/Env") ? (item.split("=", 1)[0] ?? "") : JSON.stringify(item);
}

function conflictOf(path: string, earlier: { plugin: string; value: unknown }, plugin: string, value: unknown): Conflict {
  return {
    field: cutText(fieldName(path), shownBytes),
    first: { plugin: earlier.plugin, value: shownValue(path, earlier.value) },
    second: { plugin, value: shownValue(path, value) },
  };
}

/** Bytes of a name or a value that are shown; who wants more looks at the body. */
const shownBytes = 256;

function shownValue(path: string, value: unknown): unknown {
  const masked = redactValue(`${path}/-`, value);
  const size = jsonBytes(masked);
  return size <= shownBytes ? masked : `${size} bytes`;
}

/** The conflict in one sentence that names both plugins. */
export function describeConflict(conflict: Conflict): string {
  const shown = (value: unknown): string => (value === undefined ? "removes it" : `sets it to ${JSON.stringify(value)}`);
  return `plugins disagree about ${conflict.field}: "${conflict.first.plugin}" ${shown(conflict.first.value)}, "${conflict.second.plugin}" ${shown(conflict.second.value)}`;
}
