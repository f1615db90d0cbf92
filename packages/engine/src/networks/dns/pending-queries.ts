/** One query that waits for an outside answer. Disposing of it makes room for the next. */
export interface PendingQuery extends Disposable {
  /** Aborted when the query is given up: nobody waits for its answer any more. */
  readonly signal: AbortSignal;
}

/**
 * All queries of the daemon that wait for outside servers; each has a socket, and the daemon's descriptors are shared by
 * everybody. When there are too many, the oldest of the container that has most of them is given up: one that floods its
 * resolver crowds out its own queries and no other's.
 */
export class PendingQueries {
  readonly #maximum: number;
  readonly #byOwner = new Map<object, Set<AbortController>>();
  #count = 0;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  open(owner: object): PendingQuery {
    if (this.#count >= this.#maximum) this.#giveUpOldest();
    const controller = new AbortController();
    const queries = this.#byOwner.get(owner);
    if (queries) queries.add(controller);
    else this.#byOwner.set(owner, new Set([controller]));
    this.#count++;
    return { signal: controller.signal, [Symbol.dispose]: () => this.#end(owner, controller) };
  }

  /** Gives up everything an owner waits for. */
  giveUp(owner: object): void {
    for (const controller of this.#byOwner.get(owner) ?? []) {
      this.#end(owner, controller);
      controller.abort();
    }
  }

  #giveUpOldest(): void {
    let [owner, queries] = [undefined as object | undefined, new Set<AbortController>()];
    for (const [each, its] of this.#byOwner) if (its.size > queries.size) [owner, queries] = [each, its];
    const [oldest] = queries;
    if (owner === undefined || oldest === undefined) return;
    this.#end(owner, oldest);
    oldest.abort();
  }

  #end(owner: object, controller: AbortController): void {
    const queries = this.#byOwner.get(owner);
    if (!queries?.delete(controller)) return;
    this.#count--;
    if (queries.size === 0) this.#byOwner.delete(owner);
  }
}
