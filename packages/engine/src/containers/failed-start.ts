import { rfc3339Nano } from "./clock.ts";
import type { ContainerDeps } from "./container-deps.ts";
import type { ContainerRecord, ContainerState } from "./container-record.ts";

/** What is told of a start that came to nothing before the runtime had anything to say of it (dockerd, containerd). */
export const failedStartCode = 128;

/** What the record of a container says whose start failed. The error is never empty: by it the container is known as one that was tried. */
export function failedStart(
  { clock }: Pick<ContainerDeps, "clock">,
  { pod }: Pick<ContainerRecord, "pod">,
  thrown: unknown,
  exitCode = failedStartCode,
): Pick<ContainerState, "pid" | "exitCode" | "error"> & Partial<ContainerState> {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    pid: 0,
    exitCode,
    error: message || "the start failed, and nothing says why",
    // The kubelet counts from its end on when it tries again; Docker's clients are shown none of what never ran.
    ...(pod && { finishedAt: rfc3339Nano(clock.now()) }),
  };
}
