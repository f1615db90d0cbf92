import { setTimeout as delay } from "node:timers/promises";
import type { ProcessIdentity } from "./process-identity.ts";
import { isAlive, signalProcess } from "./process-identity.ts";

const adoptedPollMs = 500;
const stoppingPollMs = 20;

/** A running containerd: our child, or one that an earlier pouchd started. */
export interface WatchedProcess {
  readonly identity: ProcessIdentity;
  readonly adopted: boolean;
  /** Resolves with how it ended; never rejects. With an adopted process it takes up to half a second to notice. */
  readonly exited: Promise<string>;
  /** Stops looking for the end of it. */
  unwatch(): void;
}

export function watchAdopted(identity: ProcessIdentity): WatchedProcess {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setInterval(() => {
    if (isAlive(identity)) return;
    clearInterval(timer);
    resolve("it was not our child, so its status is unknown");
  }, adoptedPollMs);
  timer.unref();
  return { identity, adopted: true, exited: promise, unwatch: () => clearInterval(timer) };
}

/** SIGTERM, then SIGKILL when the grace period is over; resolves when the process is gone. */
export async function terminate(identity: ProcessIdentity, graceMs: number): Promise<void> {
  if (!signalProcess(identity, "SIGTERM")) return;
  const killAt = performance.now() + graceMs;
  let killed = false;
  while (isAlive(identity)) {
    if (!killed && performance.now() >= killAt) {
      killed = true;
      signalProcess(identity, "SIGKILL");
    }
    await delay(stoppingPollMs);
  }
}
