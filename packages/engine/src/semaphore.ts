/** Lets a number of tasks run at once; the others wait in the order they came. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** `onWait` is called when there is no free place; who is aborted while he waits has left the queue, and his task never begins. */
  async run<T>(task: () => Promise<T>, signal: AbortSignal, onWait?: () => void): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else {
      onWait?.();
      await this.#turn(signal);
    }
    try {
      return await task();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const begin = (): void => {
      this.#waiting.delete(begin);
      resolve();
    };
    const leave = (): void => {
      // Otherwise its turn has come.
      if (this.#waiting.delete(begin)) reject(signal.reason);
    };
    this.#waiting.add(begin);
    signal.addEventListener("abort", leave, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
