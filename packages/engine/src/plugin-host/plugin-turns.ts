import { unavailable } from "@pouchcontainer/errors";
import { KeyedMutex } from "../keyed-mutex.ts";

/** Changes of one plugin come one after the other, and wait for no other plugin's. */
export class PluginTurns {
  readonly #turns = new KeyedMutex();
  readonly #table = new KeyedMutex();
  readonly #changes = new Set<Promise<unknown>>();
  #closed = false;

  /** In the turn of each of these plugins; taken in one order by all, so that nobody waits for one that waits for him. */
  async take<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw unavailable("the daemon is stopping");
    const sorted = [...new Set(names)].toSorted();
    const change = sorted.reduceRight((inner, name) => () => this.#turns.run(name, inner), work)();
    this.#changes.add(change);
    try {
      return await change;
    } finally {
      this.#changes.delete(change);
    }
  }

  /** What all plugins share, the chains and the route table: each has it for a moment, also in its turn. */
  withTable<T>(work: () => Promise<T>): Promise<T> {
    return this.#table.run("table", work);
  }

  /** Takes no more changes; resolves when those under way have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#changes);
  }
}
