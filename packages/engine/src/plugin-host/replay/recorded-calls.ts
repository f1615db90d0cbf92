import type { JournalEntry } from "../journal/journal-entry.ts";
import type { PluginJournal } from "../journal/plugin-journal.ts";

/** Which calls are made again. */
export interface WantedCalls {
  plugin: string;
  /** Milliseconds since the epoch. Default: all that are kept. */
  since?: number;
  /** Default: all points. */
  point?: string;
  /** The last ones. Default: as many as there are. */
  limit?: number;
}

/** The calls that were recorded when it was asked, oldest first: two passes over the disk, so that none but one is in memory. */
export class RecordedCalls {
  readonly total: number;
  /** What could not be read, and how much of it. */
  readonly damaged: ReadonlyMap<string, number>;
  readonly #journal: PluginJournal;
  readonly #wanted: WantedCalls;
  readonly #first: number;
  readonly #last: number;

  private constructor(journal: PluginJournal, wanted: WantedCalls, places: readonly number[], damaged: Map<string, number>) {
    this.#journal = journal;
    this.#wanted = wanted;
    this.#first = places[0] ?? Infinity;
    this.#last = places.at(-1) ?? -Infinity;
    this.total = places.length;
    this.damaged = damaged;
  }

  static async find(journal: PluginJournal, wanted: WantedCalls, signal: AbortSignal): Promise<RecordedCalls> {
    await journal.flushed();
    let places: number[] = [];
    const damaged = new Map<string, number>();
    const { limit = Infinity } = wanted;
    for await (const line of journal.entries()) {
      signal.throwIfAborted();
      if ("damage" in line) damaged.set(line.damage, (damaged.get(line.damage) ?? 0) + 1);
      else if (isWanted(line.entry, wanted)) places.push(line.place);
      // Not one by one: that would move all of them each time.
      if (places.length > 2 * limit) places = places.slice(-limit);
    }
    return new RecordedCalls(journal, wanted, limit === Infinity ? places : places.slice(-limit), damaged);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JournalEntry> {
    for await (const line of this.#journal.entries()) {
      if (line.place > this.#last) return;
      if (line.place >= this.#first && "entry" in line && isWanted(line.entry, this.#wanted)) yield line.entry;
    }
  }
}

function isWanted({ plugin, point, time }: JournalEntry, wanted: WantedCalls): boolean {
  return (
    plugin === wanted.plugin &&
    (wanted.point === undefined || point === wanted.point) &&
    (wanted.since === undefined || Date.parse(time) >= wanted.since)
  );
}
