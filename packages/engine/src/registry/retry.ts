import { HttpError } from "./http-error.ts";
import { RegistryError } from "./registry-error.ts";

/** Time, as the images room needs it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects with the signal's reason when it fires first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface RetryOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How often at most. Default 5. */
  attempts?: number;
}

const firstDelayMs = 250;
const longestDelayMs = 10_000;
const longestRetryAfterMs = 30_000;

export function isTransient(thrown: unknown): boolean {
  return (thrown instanceof HttpError || thrown instanceof RegistryError) && thrown.transient;
}

/** Runs until it succeeds, fails for good, or has been tried often enough; waits longer each time, and as long as the server asks. */
export async function withRetry<T>(run: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const attempts = options.attempts ?? 5;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run(attempt);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isTransient(error) || attempt + 1 >= attempts) throw error;
      await options.clock.sleep(delayMs(attempt, error), options.signal);
    }
  }
}

/** How long to wait after the given number of faults in a row. */
export function delayMs(attempt: number, error: unknown): number {
  const asked = error instanceof RegistryError ? error.retryAfterSeconds : undefined;
  if (asked !== undefined) return Math.min(asked * 1000, longestRetryAfterMs);
  return Math.min(firstDelayMs * 2 ** attempt, longestDelayMs);
}
