import { cutText } from "@pouchcontainer/errors";
import type { Conflict } from "./conflicts.ts";
import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { jsonBytes } from "./json-bytes.ts";
import { KeptCalls } from "./kept-calls.ts";
import { keptPatch } from "./kept-patch.ts";
import { redactPatch } from "./redact.ts";
import type { TraceEntry } from "./trace-entry.ts";

export type { CallOutcome, TraceEntry } from "./trace-entry.ts";

/** Calls kept in all, and bytes of JSON of them. */
const defaultCapacity = 512;
const maxRingBytes = 8 * 1024 * 1024;
/** Containers whose calls are kept, and bytes of JSON of them in all. */
const maxContainers = 4096;
const maxBytes = 32 * 1024 * 1024;
/** Conflicts kept of one call, and bytes of JSON of them. */
const maxConflicts = 100;
const maxConflictBytes = 16 * 1024;
/** Bytes of a container's name: what asks for one may name it at any length before that is checked. */
const maxNameBytes = 256;

/** A call as it is told: with the whole patch. */
export type CallReport = Omit<TraceEntry, "sequence" | "patch" | "patchCut" | "conflictsCut" | "leftOut"> & {
  patch?: PatchOperation[];
};

/** The last calls of the daemon, and those of each container for as long as it exists. */
export class PluginTrace {
  readonly #capacity: number;
  readonly #ring: TraceEntry[] = [];
  #ringBytes = 0;
  readonly #containers = new Map<string, KeptCalls>();
  /** To which container calls led that were made together: one in shadow mode may end later. */
  readonly #ledTo = new WeakMap<readonly TraceEntry[], { id: string; name: string }>();
  #sequence = 0;
  #bytes = 0;

  constructor(options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? defaultCapacity;
  }

  record({ patch: whole = [], conflicts: all = [], container, ...entry }: CallReport): TraceEntry {
    this.#sequence += 1;
    const { patch, cut } = keptPatch(whole);
    const conflicts = keptConflicts(all);
    const recorded: TraceEntry = {
      sequence: this.#sequence,
      ...entry,
      ...(whole.length === 0 ? {} : { patch }),
      ...(cut === undefined ? {} : { patchCut: cut }),
      ...(conflicts.length === 0 ? {} : { conflicts }),
      ...(conflicts.length === all.length ? {} : { conflictsCut: all.length - conflicts.length }),
      ...(container === undefined ? {} : { container: named(container) }),
    };
    this.#keepInRing(recorded);
    const id = container?.id;
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

  /** Puts a call to those it was made with, and files it with them where they are filed already. */
  collect(calls: TraceEntry[], entry: TraceEntry): void {
    calls.push(entry);
    const container = this.#ledTo.get(calls);
    if (container !== undefined) this.adopt(container, [entry]);
  }

  /** Files calls under the container they led to. */
  adopt(container: { id: string; name: string }, entries: readonly TraceEntry[]): void {
    this.#ledTo.set(entries, container);
    for (const entry of entries) {
      entry.container = container;
      if (this.#containers.get(container.id)?.has(entry) !== true) this.#keepWithContainer(container.id, entry);
    }
  }

  forget(id: string): void {
    this.#bytes -= this.#containers.get(id)?.bytes ?? 0;
    this.#containers.delete(id);
  }

  #keepInRing(entry: TraceEntry): void {
    this.#ringBytes += jsonBytes(entry);
    this.#ring.push(entry);
    while (this.#ring.length > this.#capacity || this.#ringBytes > maxRingBytes) this.#ringBytes -= jsonBytes(this.#ring.shift());
  }

  #keepWithContainer(id: string, entry: TraceEntry): void {
    const kept = this.#containers.get(id) ?? new KeptCalls();
    this.#containers.set(id, kept);
    this.#bytes -= kept.bytes;
    kept.add(entry);
    this.#bytes += kept.bytes;
    // What nobody reported as removed is forgotten with time, and the oldest where plugins change much; records have the calls of creates.
    for (const oldest of this.#containers.keys()) {
      if (this.#containers.size <= maxContainers && this.#bytes <= maxBytes) return;
      if (oldest !== id) this.forget(oldest);
    }
  }
}

function keptConflicts(all: readonly Conflict[]): Conflict[] {
  const kept: Conflict[] = [];
  let room = maxConflictBytes;
  for (const conflict of all.slice(0, maxConflicts)) {
    room -= jsonBytes(conflict);
    if (room < 0) break;
    kept.push(conflict);
  }
  return kept;
}

function named({ id, name }: { id?: string; name?: string }): { id?: string; name?: string } {
  return {
    ...(id === undefined ? {} : { id: cutText(id, maxNameBytes) }),
    ...(name === undefined ? {} : { name: cutText(name, maxNameBytes) }),
  };
}

function redactEntry(entry: TraceEntry): TraceEntry {
  return entry.patch === undefined ? entry : { ...entry, patch: redactPatch(entry.patch) };
}
