import { fieldName } from "@pouchcontainer/plugin-sdk/host";
import { equalJson, valueAt, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { redactValue } from "./redact.ts";

/** Two plugins of one chain that gave one field different values. */
export interface Conflict {
  field: string;
  first: { plugin: string; value: unknown };
  second: { plugin: string; value: unknown };
}

/**
 * What the plugins of one chain run have written so far. Items of a list are known by their content, not their index,
 * because a later plugin may insert before them; an environment variable is known by its name.
 */
export class WriteLog {
  readonly #writes = new Map<string, { plugin: string; value: unknown }>();

  /** Notes what a plugin made of a body; returns the conflicts with plugins before it. */
  note(plugin: string, before: unknown, after: unknown, patch: readonly PatchOperation[]): Conflict[] {
    const conflicts: Conflict[] = [];
    const lists = new Set<string>();
    for (const operation of patch) {
      const list = listOf(before, operation.path);
      if (list !== undefined) lists.add(list);
      else this.#write(plugin, operation.path, operation.op === "remove" ? undefined : operation.value, conflicts);
    }
    for (const list of lists) this.#writeList(plugin, list, itemsAt(before, list), itemsAt(after, list), conflicts);
    return conflicts;
  }

  #write(plugin: string, path: string, value: unknown, conflicts: Conflict[]): void {
    for (const [written, earlier] of this.#writes) {
      if (earlier.plugin === plugin) continue;
      const same = written === path;
      // Removing or overwriting a parent takes what was written below it along.
      const below = written.startsWith(`${path}/`);
      if (
        (same && !equalJson(earlier.value, value)) ||
        (below && !equalJson(earlier.value, valueAt(value, written.slice(path.length))))
      ) {
        conflicts.push(conflictOf(written, earlier, plugin, same ? value : valueAt(value, written.slice(path.length))));
      }
    }
    this.#writes.set(path, { plugin, value });
    // A list made here in one piece may be changed item by item later.
    if (Array.isArray(value)) for (const item of value) this.#writes.set(itemKey(path, item), { plugin, value: item });
  }

  #writeList(plugin: string, list: string, before: readonly unknown[], after: readonly unknown[], conflicts: Conflict[]): void {
    const now = new Map(after.map((item) => [itemKey(list, item), item]));
    const old = new Map(before.map((item) => [itemKey(list, item), item]));
    for (const key of old.keys()) {
      const earlier = this.#writes.get(key);
      if (earlier !== undefined && earlier.plugin !== plugin && !equalJson(earlier.value, now.get(key))) {
        conflicts.push(conflictOf(list, earlier, plugin, now.get(key)));
      }
    }
    for (const [key, item] of now) if (!equalJson(old.get(key), item)) this.#writes.set(key, { plugin, value: item });
  }
}

/** The list an operation's path points into; undefined when it points at an object's member. */
function listOf(before: unknown, path: string): string | undefined {
  const parent = path.slice(0, path.lastIndexOf("/"));
  return path !== "" && Array.isArray(valueAt(before, parent)) ? parent : undefined;
}

function itemsAt(body: unknown, list: string): readonly unknown[] {
  const items = valueAt(body, list);
  return Array.isArray(items) ? items : [];
}

function itemKey(list: string, item: unknown): string {
  const text = typeof item === "string" && list.endsWith("/Env") ? item.split("=", 1)[0] : JSON.stringify(item);
  return `${list}\0${text}`;
}

function conflictOf(path: string, earlier: { plugin: string; value: unknown }, plugin: string, value: unknown): Conflict {
  const list = path.split("\0", 1)[0] ?? path;
  return {
    field: fieldName(list),
    first: { plugin: earlier.plugin, value: redactValue(`${list}/-`, earlier.value) },
    second: { plugin, value: redactValue(`${list}/-`, value) },
  };
}

/** The conflict in one sentence that names both plugins. */
export function describeConflict(conflict: Conflict): string {
  const shown = (value: unknown): string => (value === undefined ? "removes it" : `sets it to ${JSON.stringify(value)}`);
  return `plugins disagree about ${conflict.field}: "${conflict.first.plugin}" ${shown(conflict.first.value)}, "${conflict.second.plugin}" ${shown(conflict.second.value)}`;
}
