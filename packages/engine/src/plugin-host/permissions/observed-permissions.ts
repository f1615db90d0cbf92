import type { PluginPermissions, PointName } from "@pouchcontainer/plugin-sdk";
import type { PatchOperation, PermissionFlag } from "@pouchcontainer/plugin-sdk/host";
import { uncoveredFields } from "./changed-fields.ts";
import { FieldPatterns } from "./field-patterns.ts";
import { mapEntriesAt } from "./map-entries.ts";

/** Fields of one point, and routes, that are remembered of one plugin. */
const maxRemembered = 128;
/** Characters of one of them. */
const maxCharacters = 256;

interface Remembered {
  readonly names: string[];
  readonly patterns: FieldPatterns;
}

/** What one plugin did since the daemon started, as the permissions that it would have to ask for. Bounded; in memory alone. */
export class ObservedPermissions {
  readonly #fields = new Map<PointName, Remembered>();
  readonly #routes = new Set<string>();
  readonly #flags = new Set<PermissionFlag>();
  #isCut = false;

  fields(point: PointName, before: unknown, after: unknown, patch: readonly PatchOperation[]): void {
    const remembered = this.#fields.get(point) ?? { names: [], patterns: new FieldPatterns([]) };
    this.#fields.set(point, remembered);
    const room = maxRemembered - remembered.names.length;
    if (room === 0) {
      this.#isCut = true;
      return;
    }
    for (const name of uncoveredFields(
      { patterns: remembered.patterns, entries: mapEntriesAt(point) },
      before,
      after,
      patch,
      room,
    )) {
      if (name.length > maxCharacters) this.#isCut = true;
      else if (!remembered.names.includes(name)) {
        remembered.names.push(name);
        remembered.patterns.add(name);
      }
    }
  }

  route(text: string): void {
    if (this.#routes.has(text)) return;
    if (this.#routes.size === maxRemembered || text.length > maxCharacters) this.#isCut = true;
    else this.#routes.add(text);
  }

  flag(flag: PermissionFlag): void {
    this.#flags.add(flag);
  }

  get isEmpty(): boolean {
    return this.#fields.size + this.#routes.size + this.#flags.size === 0;
  }

  /** Whether there was more than is remembered. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** As a manifest would have to say it. */
  get permissions(): PluginPermissions {
    const fields = Object.fromEntries([...this.#fields].map(([point, { names }]) => [point, names.toSorted()]));
    return {
      ...(this.#fields.size === 0 ? {} : { fields }),
      ...(this.#routes.size === 0 ? {} : { routes: [...this.#routes].toSorted() }),
      ...Object.fromEntries([...this.#flags].toSorted().map((flag) => [flag, true])),
    };
  }
}
