import type { PointName } from "@pouchcontainer/plugin-sdk";
import type { Conflict } from "./conflicts.ts";
import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { jsonCharacters, keptPatch, type PatchCut, type TracedOperation } from "./kept-patch.ts";
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
  patch?: TracedOperation[];
  /** What of the patch is too large to be kept. */
  patchCut?: PatchCut;
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
/** Characters of JSON kept with containers in all. */
const maxCharacters = 32 * 1024 * 1024;

/** A call as it is told: with the whole patch. */
export type CallReport = Omit<TraceEntry, "sequence" | "patch" | "patchCut"> & { patch?: PatchOperation[] };

interface Kept {
  entries: TraceEntry[];
  characters: number;
}

/** The last calls of the daemon, and those of each container for as long as it exists. */
export class PluginTrace {
  readonly #capacity: number;
  readonly #ring: TraceEntry[] = [];
  readonly #containers = new Map<string, Kept>();
  #sequence = 0;
  #characters = 0;

  constructor(options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? defaultCapacity;
  }

  record({ patch: whole = [], ...entry }: CallReport): TraceEntry {
    this.#sequence += 1;
    const { patch, cut } = keptPatch(whole);
    const recorded: TraceEntry = {
      sequence: this.#sequence,
      ...entry,
      ...(whole.length === 0 ? {} : { patch }),
      ...(cut === undefined ? {} : { patchCut: cut }),
    };
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
    if (known !== undefined) return known.entries;
    for (const [id, { entries }] of this.#containers)
      if (id.startsWith(ref) || entries.some((entry) => entry.container?.name === ref)) return entries;
    return this.#ring.filter((entry) => entry.container?.name === ref);
  }

  /** Calls made for a container, oldest first, as they are kept in its record. */
  ofContainer(id: string): readonly TraceEntry[] {
    return this.#containers.get(id)?.entries ?? [];
  }

  /** Files calls under the container they led to. */
  adopt(container: { id: string; name: string }, entries: readonly TraceEntry[]): void {
    for (const entry of entries) {
      entry.container = container;
      if (this.#containers.get(container.id)?.entries.includes(entry) !== true) this.#keepWithContainer(container.id, entry);
    }
  }

  forget(id: string): void {
    this.#characters -= this.#containers.get(id)?.characters ?? 0;
    this.#containers.delete(id);
  }

  #keepWithContainer(id: string, entry: TraceEntry): void {
    const kept = this.#containers.get(id) ?? { entries: [], characters: 0 };
    this.#containers.set(id, kept);
    const gone = kept.entries.push(entry) > perContainer ? kept.entries.splice(perContainer / 2, 1) : [];
    const grown = jsonCharacters(entry) - jsonCharacters(gone);
    kept.characters += grown;
    this.#characters += grown;
    // What nobody reported as removed is forgotten with time, and the oldest where plugins change much; records have the calls of creates.
    for (const oldest of this.#containers.keys()) {
      if (this.#containers.size <= maxContainers && this.#characters <= maxCharacters) return;
      if (oldest !== id) this.forget(oldest);
    }
  }
}

function redactEntry(entry: TraceEntry): TraceEntry {
  return entry.patch === undefined ? entry : { ...entry, patch: redactPatch(entry.patch) };
}
