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
  #reason = "";
  #incarnation = 0;

  constructor(options: { now: () => number; threshold?: number; coolDownMs?: number }) {
    this.#now = options.now;
    this.#threshold = options.threshold ?? defaultThreshold;
    this.#coolDownMs = options.coolDownMs ?? defaultCoolDownMs;
  }

  get isOpen(): boolean {
    return this.#openUntil > 0;
  }

  /** Why it is open, since which failures, and what closes it; undefined while it is closed. */
  get opening(): string | undefined {
    if (this.#openUntil === 0) return undefined;
    const seconds = Math.max(1, Math.ceil((this.#openUntil - this.#now()) / 1000));
    return `not called for another ${seconds} s after ${this.#reason}; the first call after that is tried, and closes the circuit if it succeeds; disabling and enabling the plugin closes it at once`;
  }

  /** Whether a call may not go through now. A new incarnation of what is called starts with a closed circuit. */
  refuses(incarnation = 0): boolean {
    if (incarnation !== this.#incarnation) {
      this.#incarnation = incarnation;
      this.#close();
    }
    return this.isOpen && (this.#trying || this.#openUntil > this.#now());
  }

  /** Why a call may not go through now; undefined when it may, and then it goes. */
  refusal(incarnation = 0): string | undefined {
    if (this.refuses(incarnation)) return this.opening;
    this.#trying = this.isOpen;
    return undefined;
  }

  /** Says whether this success closed an open circuit. Of a call that had begun before it opened none does. */
  succeeded(): boolean {
    const isOpen = this.#openUntil > 0;
    if (isOpen && !this.#trying) return false;
    this.#close();
    return isOpen;
  }

  #close(): void {
    this.#failures = 0;
    this.#openUntil = 0;
    this.#trying = false;
  }

  /** Says whether this failure opened the circuit. */
  failed(message: string): boolean {
    this.#failures += 1;
    this.#trying = false;
    if (this.#failures < this.#threshold && this.#openUntil === 0) return false;
    return this.open(
      this.#failures === 1
        ? `a call that was tried failed: ${message}`
        : `${this.#failures} failures in a row, the last: ${message}`,
    );
  }

  /** Opens it, or holds it open for longer, whatever calls came to; says whether it was closed. */
  open(reason: string): boolean {
    this.#reason = reason;
    this.#trying = false;
    const opened = this.#openUntil === 0;
    this.#openUntil = this.#now() + this.#coolDownMs;
    return opened;
  }

  /** The call says nothing about what was called. An open circuit stays open, and the next call tries. */
  undecided(): void {
    this.#trying = false;
  }
}
