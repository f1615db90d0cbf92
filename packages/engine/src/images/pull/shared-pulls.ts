import type { JsonMessage } from "@pouchcontainer/api";
import type { ProgressSink } from "../../registry/progress.ts";

interface Running {
  done: Promise<void>;
  stop: AbortController;
  sinks: Set<ProgressSink>;
  /** Last line about each layer, and all lines about no layer, for who comes later. */
  told: Map<string, JsonMessage>;
}

/** Pulls of the same thing at the same time are one pull. It is cancelled when the last who waits for it has gone. */
export class SharedPulls {
  readonly #running = new Map<string, Running>();

  async join(
    key: string,
    progress: ProgressSink,
    signal: AbortSignal,
    run: (progress: ProgressSink, signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    signal.throwIfAborted();
    const pull = this.#running.get(key) ?? this.#start(key, run);
    for (const line of pull.told.values()) progress(line);
    pull.sinks.add(progress);
    try {
      await pullOrAbort(pull, signal);
    } finally {
      pull.sinks.delete(progress);
      if (pull.sinks.size === 0) {
        // A newcomer must not join a pull that is being given up.
        if (this.#running.get(key) === pull) this.#running.delete(key);
        pull.stop.abort();
      }
    }
  }

  #start(key: string, run: (progress: ProgressSink, signal: AbortSignal) => Promise<unknown>): Running {
    const sinks = new Set<ProgressSink>();
    const told = new Map<string, JsonMessage>();
    const stop = new AbortController();
    const tell: ProgressSink = (line) => {
      told.set(line.progressDetail === undefined ? `line ${told.size}` : (line.id ?? ""), line);
      for (const sink of sinks) sink(line);
    };
    const done = run(tell, stop.signal).then(() => undefined);
    const pull: Running = { done, stop, sinks, told };
    this.#running.set(key, pull);
    const forget = (): void => {
      if (this.#running.get(key) === pull) this.#running.delete(key);
    };
    done.then(forget, forget);
    return pull;
  }
}

/** Who cancels is let go only when the pull has cleaned up, if it was the last; at once if others still wait. */
function pullOrAbort(pull: Running, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      if (pull.sinks.size > 1) reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
      else pull.stop.abort(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    pull.done.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
