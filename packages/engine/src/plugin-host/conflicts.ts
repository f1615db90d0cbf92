import { fieldName } from "@pouchcontainer/plugin-sdk/host";
import { equalJson, valueAt, type PatchOperation } from "./json-patch.ts";
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

  /** Notes a plugin's patch on the body it was given; returns the conflicts with plugins before it. */
  note(plugin: string, before: unknown, patch: readonly PatchOperation[]): Conflict[] {
    const conflicts: Conflict[] = [];
    // A replaced list item is written as a removal and an addition, so a variable given a new value is no conflict with its own removal.
    for (const operation of patch) {
      const value = operation.op === "remove" ? undefined : operation.value;
      const list = listOf(before, operation.path);
      if (list === undefined) this.#write(plugin, operation.path, value, conflicts);
      else this.#writeItem(plugin, list, valueAt(before, operation.path), operation.op, value, conflicts);
    }
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

  #writeItem(plugin: string, list: string, old: unknown, op: PatchOperation["op"], value: unknown, conflicts: Conflict[]): void {
    if (op !== "add") this.#checkItem(plugin, list, old, value, conflicts);
    if (op === "remove") return;
    if (op === "add") this.#checkItem(plugin, list, value, value, conflicts);
    this.#writes.set(itemKey(list, value), { plugin, value });
  }

  #checkItem(plugin: string, list: string, item: unknown, value: unknown, conflicts: Conflict[]): void {
    const earlier = this.#writes.get(itemKey(list, item));
    if (earlier !== undefined && earlier.plugin !== plugin && !equalJson(earlier.value, value)) {
      conflicts.push(conflictOf(list, earlier, plugin, value));
    }
  }
}

/** The list an operation's path points into; undefined when it points at an object's member. */
function listOf(before: unknown, path: string): string | undefined {
  const parent = path.slice(0, path.lastIndexOf("/"));
  return path !== "" && Array.isArray(valueAt(before, parent)) ? parent : undefined;
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
