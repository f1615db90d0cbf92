import { AsyncLocalStorage } from "node:async_hooks";

/** What some code works for, as facts for the log: `{ request: "POST /containers/{}/start", container: "4f…" }`. */
export type Operation = Readonly<Record<string, string>>;

const running = new AsyncLocalStorage<Operation>();
const thrownIn = new WeakMap<object, Operation>();
const none: Operation = Object.freeze({});

/**
 * Runs something as part of an operation. What it begins (timers, promises, listeners' calls) belongs to the operation too, so
 * that an error nobody caught can be told with what it was about. Facts of an operation around this one stay.
 */
export function duringOperation<T>(facts: Operation, run: () => T): T {
  const around = running.getStore();
  const operation = around === undefined ? facts : { ...around, ...facts };
  try {
    return running.run(operation, run);
  } catch (error) {
    // On its way to whoever catches it, or to the net, the error leaves the operation.
    if (typeof error === "object" && error !== null && !thrownIn.has(error)) thrownIn.set(error, operation);
    throw error;
  }
}

/** What failed with this error: the innermost operation that it was thrown out of, else what is running now. */
export function operationOf(error: unknown): Operation {
  return (typeof error === "object" && error !== null ? thrownIn.get(error) : undefined) ?? running.getStore() ?? none;
}
