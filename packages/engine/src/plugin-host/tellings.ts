/** What of one container may wait to be told: one that ends and starts again is faster than a plugin that takes its time. */
const maxWaiting = 100;

interface Turn {
  waiting: number;
  over: Promise<void>;
}

/** What plugins are told of containers after it has happened: of each in the order in which it did. */
export class Tellings {
  readonly #turns = new Map<string, Turn>();

  /** Rejects as `tell` does. Resolves to false, and nothing is told, where too much waits already. */
  async inTurn(container: string, tell: () => Promise<void>): Promise<boolean> {
    const before = this.#turns.get(container) ?? { waiting: 0, over: Promise.resolve() };
    if (before.waiting >= maxWaiting) return false;
    const told = before.over.then(tell);
    const turn: Turn = {
      waiting: before.waiting + 1,
      // Who comes next is told, whatever became of this.
      over: told.catch(() => undefined),
    };
    this.#turns.set(container, turn);
    try {
      await told;
      return true;
    } finally {
      const last = this.#turns.get(container);
      if (last === turn) this.#turns.delete(container);
      else if (last !== undefined) last.waiting -= 1;
    }
  }

  /** Resolves when all that waits now has been told. */
  async over(container: string): Promise<void> {
    await this.#turns.get(container)?.over;
  }
}
