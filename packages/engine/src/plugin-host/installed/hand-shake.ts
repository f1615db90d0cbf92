import { unavailable, type EngineError } from "@pouchcontainer/errors";
import { setTimeout as sleep } from "node:timers/promises";
import type { PluginRun } from "./plugin-run.ts";

export interface HandShakeOptions {
  /** Resolves when it was answered. Rejects with `unavailable` while nothing listens yet. */
  handShake: (signal: AbortSignal) => Promise<void>;
  stopping: AbortSignal;
  /** Default: 15000. */
  timeoutMs?: number | undefined;
}

/** Asks a process that was started until it answers; an error of it is best told by its end, where it ended. */
export async function untilHandShake(
  run: Pick<PluginRun, "exited">,
  { handShake, stopping, timeoutMs = 15_000 }: HandShakeOptions,
): Promise<void> {
  const deadline = AbortSignal.any([AbortSignal.timeout(timeoutMs), stopping]);
  let ended: EngineError | undefined;
  const exited = run.exited.then((how) => (ended = unavailable(`its process ended ${how} at its start`)));
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 1.5, 50)) {
    if (ended !== undefined) throw ended;
    try {
      return await handShake(deadline);
    } catch (error) {
      if (stopping.aborted) throw unavailable("it is being stopped");
      if (deadline.aborted)
        throw unavailable(`its process did not answer the hand-shake within ${timeoutMs / 1000} s`, { cause: error });
      if (!isNotListening(error)) {
        await Promise.race([exited, sleep(endedWithinMs)]);
        throw ended ?? error;
      }
    }
    await sleep(waitMs);
  }
}

/** How long the end of a process whose socket failed may take to be heard of. */
export const endedWithinMs = 200;

/** Whether there is no socket, or nobody behind it. */
export function isNotListening(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ENOENT" || code === "ECONNREFUSED";
}
