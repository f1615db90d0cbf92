import type { Log } from "../log/log.ts";

/** How often it is told what a start waits for. */
const toldEveryMs = 10_000;

/** The start of a daemon: each of its waits is told while it lasts, and is called off when the daemon is asked to stop. */
export class Starting {
  readonly #log: Log;
  readonly #stopping: AbortSignal;
  readonly #controller = new AbortController();
  readonly #callOff = (): void => this.#controller.abort(this.#stopping.reason);

  /** `stopping` aborts with what the start then fails with. */
  constructor(stopping: AbortSignal, log: Log) {
    this.#stopping = stopping;
    this.#log = log;
    if (stopping.aborted) this.#callOff();
    else stopping.addEventListener("abort", this.#callOff, { once: true });
  }

  /** Aborts when the start is called off, and no more once it is done. */
  get calledOff(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for work that takes back what it has begun, and soon, when the signal aborts. */
  async until<T>(what: string, work: (calledOff: AbortSignal) => Promise<T>): Promise<T> {
    const { calledOff } = this;
    calledOff.throwIfAborted();
    const since = performance.now();
    const timer = setInterval(() => {
      this.#log.warn("the start waits", { for: what, seconds: Math.round((performance.now() - since) / 1000) });
    }, toldEveryMs);
    try {
      return await work(calledOff);
    } catch (error) {
      calledOff.throwIfAborted();
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** Waits for work that hears no signal: a start that is called off leaves it as it is, as a daemon that is killed would. */
  orLeave<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.until(what, async (calledOff) => {
      const left = Promise.withResolvers<never>();
      const leave = (): void => left.reject(calledOff.reason);
      calledOff.addEventListener("abort", leave, { once: true });
      try {
        return await Promise.race([work(), left.promise]);
      } finally {
        calledOff.removeEventListener("abort", leave);
      }
    });
  }

  done(): void {
    this.calledOff.throwIfAborted();
    this.#stopping.removeEventListener("abort", this.#callOff);
  }
}
