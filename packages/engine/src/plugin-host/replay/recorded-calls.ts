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
  /** Lines that were not written to their end. */
  readonly cut: number;
  readonly #journal: PluginJournal;
  readonly #wanted: WantedCalls;
  readonly #first: number;
  readonly #last: number;

  private constructor(journal: PluginJournal, wanted: WantedCalls, places: readonly number[], cut: number) {
    this.#journal = journal;
    this.#wanted = wanted;
    this.#first = places[0] ?? Infinity;
    this.#last = places.at(-1) ?? -Infinity;
    this.total = places.length;
    this.cut = cut;
  }

  static async find(journal: PluginJournal, wanted: WantedCalls, signal: AbortSignal): Promise<RecordedCalls> {
    await journal.flushed();
    let places: number[] = [];
    let cut = 0;
    const { limit = Infinity } = wanted;
    for await (const { place, entry } of journal.entries()) {
      signal.throwIfAborted();
      if (entry === undefined) cut += 1;
      else if (isWanted(entry, wanted)) places.push(place);
      // Not one by one: that would move all of them each time.
      if (places.length > 2 * limit) places = places.slice(-limit);
    }
    return new RecordedCalls(journal, wanted, limit === Infinity ? places : places.slice(-limit), cut);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JournalEntry> {
    for await (const { place, entry } of this.#journal.entries()) {
      if (place > this.#last) return;
      if (place >= this.#first && entry !== undefined && isWanted(entry, this.#wanted)) yield entry;
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
