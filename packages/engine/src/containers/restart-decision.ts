import type { ContainerRecord } from "./container-record.ts";

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** A container that ran this long is not failing at its start: the delay begins anew (moby `restartmanager`). */
const stableMs = 10_000;

/** Whether, and after what delay, the policy starts the container again. `lastDelayMs` is that of the restart before. */
export function nextRestart(
  record: Pick<ContainerRecord, "hostConfig" | "manuallyStopped" | "restartCount">,
  exitCode: number,
  uptimeMs: number,
  lastDelayMs: number,
): { delayMs: number } | undefined {
  const { Name = "no", MaximumRetryCount = 0 } = record.hostConfig.RestartPolicy ?? {};
  const wanted =
    !record.manuallyStopped &&
    (Name === "always" ||
      Name === "unless-stopped" ||
      (Name === "on-failure" && exitCode !== 0 && (MaximumRetryCount === 0 || record.restartCount < MaximumRetryCount)));
  if (!wanted) return undefined;
  const delayMs = lastDelayMs === 0 || uptimeMs >= stableMs ? firstDelayMs : Math.min(lastDelayMs * 2, longestDelayMs);
  return { delayMs };
}
