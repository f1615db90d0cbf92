import { cancelled, deadlineExceeded } from "@pouchcontainer/errors";

/**
 * The time a call has. The signal is made when somebody looks at it; it aborts when the time is up or the operation is
 * cancelled.
 */
export class Deadline {
  readonly timeoutMs: number;
  readonly #parent: AbortSignal | undefined;
  readonly #enter: (abort: () => void) => void;
  #controller: AbortController | undefined;

  /** `enter` calls those that listen to the signal. */
  constructor(timeoutMs: number, parent: AbortSignal | undefined, enter: (abort: () => void) => void = (abort) => abort()) {
    this.timeoutMs = timeoutMs;
    this.#parent = parent;
    this.#enter = enter;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** The work's result, or `deadlineExceeded`, or `cancelled`, whichever comes first. What the work does after that is nobody's. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const parent = this.#parent;
      const onCancelled = (): void => stop(cancelled("the operation was cancelled", { cause: parent?.reason }));
      const timer = setTimeout(() => stop(deadlineExceeded(`no answer within ${formatMs(this.timeoutMs)}`)), this.timeoutMs);
      const finish = (): void => {
        clearTimeout(timer);
        parent?.removeEventListener("abort", onCancelled);
      };
      const stop = (reason: Error): void => {
        finish();
        reject(reason);
        const controller = this.#controller;
        if (controller !== undefined) this.#enter(() => controller.abort(reason));
      };
      work.then(
        (value) => {
          finish();
          resolve(value);
        },
        (error: unknown) => {
          finish();
          // Passed on as it was thrown; the caller names plugin and point.
          reject(error);
        },
      );
      if (parent?.aborted === true) onCancelled();
      else parent?.addEventListener("abort", onCancelled, { once: true });
    });
  }
}

function formatMs(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000} s` : `${milliseconds} ms`;
}
