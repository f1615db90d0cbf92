import type { PointName } from "@pouchcontainer/plugin-sdk";
import type { Conflict } from "./conflicts.ts";
import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { redactPatch } from "./redact.ts";

/**
 * How a call ended. `ignored`: it failed and the plugin's failure policy let the operation go on. `skipped`: not called,
 * because its circuit is open and its policy is to ignore failures.
 */
export type CallOutcome = "changed" | "unchanged" | "failed" | "timeout" | "ignored" | "skipped";

/** One call of a plugin. */
export interface TraceEntry {
  sequence: number;
  /** RFC 3339, start of the call. */
  time: string;
  plugin: string;
  version: string;
  point: PointName;
  durationMs: number;
  outcome: CallOutcome;
  /** What the call changed (RFC 6902). Absent when it changed nothing. */
  patch?: PatchOperation[];
  conflicts?: Conflict[];
  error?: string;
  container?: { id?: string; name?: string };
}

/** Calls kept in all. */
const defaultCapacity = 512;
/** Containers whose calls are kept. */
const maxContainers = 4096;
/** Calls kept per container; the first ones, of its create, stay. */
const perContainer = 64;

/** The last calls of the daemon, and those of each container for as long as it exists. */
export class PluginTrace {
  readonly #capacity: number;
  readonly #ring: TraceEntry[] = [];
  readonly #containers = new Map<string, TraceEntry[]>();
  #sequence = 0;

  constructor(options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? defaultCapacity;
  }

  record(entry: Omit<TraceEntry, "sequence">): TraceEntry {
    this.#sequence += 1;
    const recorded: TraceEntry = { sequence: this.#sequence, ...entry };
    this.#ring.push(recorded);
    if (this.#ring.length > this.#capacity) this.#ring.shift();
    const id = entry.container?.id;
    if (id !== undefined) this.#keepWithContainer(id, recorded);
    return recorded;
  }

  /** The last calls, oldest first. Environment values are masked unless `reveal` is set. */
  last(options: { limit?: number; plugin?: string; container?: string; reveal?: boolean } = {}): TraceEntry[] {
    const { container, plugin } = options;
    const source = container === undefined ? this.#ring : this.#ofContainerRef(container);
    const wanted = plugin === undefined ? source : source.filter((entry) => entry.plugin === plugin);
    const shown = wanted.slice(-(options.limit ?? this.#capacity));
    return options.reveal === true ? shown : shown.map(redactEntry);
  }

  /** A container by its id, the beginning of it, or its name. */
  #ofContainerRef(ref: string): readonly TraceEntry[] {
    const known = this.#containers.get(ref);
    if (known !== undefined) return known;
    for (const [id, entries] of this.#containers)
      if (id.startsWith(ref) || entries.some((entry) => entry.container?.name === ref)) return entries;
    return this.#ring.filter((entry) => entry.container?.name === ref);
  }

  /** Calls made for a container, oldest first, as they are kept in its record. */
  ofContainer(id: string): readonly TraceEntry[] {
    return this.#containers.get(id) ?? [];
  }

  /** Files calls under the container they led to. */
  adopt(container: { id: string; name: string }, entries: readonly TraceEntry[]): void {
    for (const entry of entries) {
      entry.container = container;
      if (this.#containers.get(container.id)?.includes(entry) !== true) this.#keepWithContainer(container.id, entry);
    }
  }

  forget(id: string): void {
    this.#containers.delete(id);
  }

  #keepWithContainer(id: string, entry: TraceEntry): void {
    const entries = this.#containers.get(id);
    if (entries === undefined) {
      this.#containers.set(id, [entry]);
      // A container that nobody reported as removed is forgotten with time; its record has its calls.
      const oldest = this.#containers.keys().next().value;
      if (this.#containers.size > maxContainers && oldest !== undefined) this.#containers.delete(oldest);
    } else if (entries.push(entry) > perContainer) entries.splice(perContainer / 2, 1);
  }
}

function redactEntry(entry: TraceEntry): TraceEntry {
  return entry.patch === undefined ? entry : { ...entry, patch: redactPatch(entry.patch) };
}
