const probeMilliseconds = 1000;

/**
 * Asks again and again for a sign of life while nothing is read from a connection: who does not read does not see its end. What is
 * written to a client that is gone is answered with a reset, and the write after that fails.
 */
export class HangupProbe {
  readonly #ask: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  start(): void {
    this.#timer ??= setInterval(this.#ask, probeMilliseconds).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
