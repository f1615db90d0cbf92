import type { ContainerRecord } from "./container-record.ts";

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** A container that ran this long is not failing at its start: the delay begins anew (moby `restartmanager`). */
const stableMs = 10_000;

/** How a run ended, for the decision about the next one. */
export interface RunEnd {
  exitCode: number;
  uptimeMs: number;
  /** The delay before this run; 0 after a start by hand. */
  delayMs: number;
  /** Somebody asked for the end. */
  askedFor: boolean;
}

/** Whether, and after what delay, the policy starts the container again. */
export function nextRestart(
  record: Pick<ContainerRecord, "hostConfig" | "manuallyStopped" | "restartCount">,
  { exitCode, uptimeMs, delayMs, askedFor }: RunEnd,
): { delayMs: number } | undefined {
  const { Name = "no", MaximumRetryCount = 0 } = record.hostConfig.RestartPolicy ?? {};
  const wanted =
    !askedFor &&
    (Name === "always" ||
      (Name === "unless-stopped" && !record.manuallyStopped) ||
      (Name === "on-failure" && exitCode !== 0 && (MaximumRetryCount === 0 || record.restartCount < MaximumRetryCount)));
  if (!wanted) return undefined;
  return { delayMs: uptimeMs >= stableMs ? firstDelayMs : longerDelay(delayMs) };
}

/** The delay after one that was not long enough. */
export function longerDelay(delayMs: number): number {
  return delayMs === 0 ? firstDelayMs : Math.min(delayMs * 2, longestDelayMs);
}
