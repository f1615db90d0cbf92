import { AsyncLocalStorage } from "node:async_hooks";

/** Whose code runs in this process without being its own: a plugin that is compiled in, at one of its calls. */
export interface Guest {
  /** Told of an error of that code, or of what it began, that nobody caught. */
  lost(error: unknown): void;
}

const running = new AsyncLocalStorage<Guest | undefined>();

/** Runs somebody else's code. What it begins (timers, promises, calls of listeners) is that guest's too, for as long as it goes on. */
export function asGuest<T>(guest: Guest, run: () => T): T {
  return running.run(guest, run);
}

/** Runs what a guest asks of its host: that, and what it begins, is the host's own. */
export function asHost<T>(run: () => T): T {
  return running.run(undefined, run);
}

/** Whose code runs now, or, where an error is told that nobody caught, threw it; undefined for the host's own. */
export function guestNow(): Guest | undefined {
  return running.getStore();
}
