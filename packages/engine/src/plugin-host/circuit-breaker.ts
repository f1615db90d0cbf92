/** Failures in a row that open the circuit. */
const defaultThreshold = 5;
/** Milliseconds it stays open before one call is let through to try. */
const defaultCoolDownMs = 30_000;

/**
 * Keeps a plugin that keeps failing from costing every operation its deadline. After `threshold` failures in a row the
 * circuit opens; after the cool-down one call is tried, and its outcome closes or reopens the circuit. Every call that went through ends
 * in one of `succeeded`, `failed` and `undecided`.
 */
export class CircuitBreaker {
  readonly #threshold: number;
  readonly #coolDownMs: number;
  readonly #now: () => number;
  #failures = 0;
  #openUntil = 0;
  #trying = false;
  #lastError = "";
  #incarnation = 0;

  constructor(options: { now: () => number; threshold?: number; coolDownMs?: number }) {
    this.#now = options.now;
    this.#threshold = options.threshold ?? defaultThreshold;
    this.#coolDownMs = options.coolDownMs ?? defaultCoolDownMs;
  }

  get isOpen(): boolean {
    return this.#openUntil > 0;
  }

  /** Why a call may not go through now; undefined when it may. A new incarnation of what is called starts with a closed circuit. */
  refusal(incarnation = 0): string | undefined {
    if (incarnation !== this.#incarnation) {
      this.#incarnation = incarnation;
      this.succeeded();
    }
    if (this.#openUntil === 0) return undefined;
    const waitMs = this.#openUntil - this.#now();
    if (waitMs <= 0 && !this.#trying) {
      this.#trying = true;
      return undefined;
    }
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    return `not called for another ${seconds} s after ${this.#failures} failures in a row, the last: ${this.#lastError}`;
  }

  /** Says whether this success closed an open circuit. */
  succeeded(): boolean {
    const closed = this.#openUntil > 0;
    this.#failures = 0;
    this.#openUntil = 0;
    this.#trying = false;
    return closed;
  }

  /** Says whether this failure opened the circuit. */
  failed(message: string): boolean {
    this.#failures += 1;
    this.#lastError = message;
    this.#trying = false;
    if (this.#failures < this.#threshold) return false;
    const opened = this.#openUntil === 0;
    this.#openUntil = this.#now() + this.#coolDownMs;
    return opened;
  }

  /** The call says nothing about what was called. An open circuit stays open, and the next call tries. */
  undecided(): void {
    this.#trying = false;
  }
}
