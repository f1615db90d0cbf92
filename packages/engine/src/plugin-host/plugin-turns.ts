import { unavailable } from "@pouchcontainer/errors";
import { KeyedMutex } from "../keyed-mutex.ts";

/** Changes of one plugin come one after the other, and wait for no other plugin's. */
export class PluginTurns {
  readonly #turns = new KeyedMutex();
  readonly #table = new KeyedMutex();
  readonly #changes = new Set<Promise<unknown>>();
  readonly #resolve: (ref: string) => string;
  #closed = false;

  /** `resolve`: the name of the plugin that a name or id stands for now; throws where there is none. */
  constructor(resolve: (ref: string) => string) {
    this.#resolve = resolve;
  }

  /** The name of a plugin that is there. */
  resolve(ref: string): string {
    return this.#resolve(ref);
  }

  /** What a change waits its turn by, of a plugin that is not there yet, too. */
  keyOf(ref: string): string {
    try {
      return this.#resolve(ref);
    } catch {
      return ref.replace(/:latest$/, "");
    }
  }

  /** The plugin is looked for when its turn has come: a change before may have removed it, or brought it in. */
  async takeOn<T>(ref: string, work: (name: string) => Promise<T>): Promise<T> {
    for (;;) {
      const key = this.keyOf(ref);
      const done = await this.take([key], async () => {
        const name = this.#resolve(ref);
        return name === key ? { result: await work(name) } : undefined;
      });
      if (done !== undefined) return done.result;
    }
  }

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
