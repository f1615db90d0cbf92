import { isOutage } from "@pouchcontainer/containerd";
import { isKind } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";

/**
 * Does something with a run's task. What is not answered may be carried out all the same, and late: by a shim that hung, or before
 * containerd went. The run is in doubt about it then, and its task is followed.
 */
export async function inDoubt<T>(
  { leftovers }: Pick<ContainerRoom, "leftovers">,
  run: ContainerRun | undefined,
  about: "freezer" | "limits",
  work: () => Promise<T>,
): Promise<T> {
  try {
    const answer = await work();
    run?.doubts.delete(about);
    return answer;
  } catch (error) {
    if (run && isUnanswered(error)) {
      run.doubts.add(about);
      leftovers.soon();
    }
    throw error;
  }
}

/** Whether containerd did not say what became of a call. */
export const isUnanswered = (error: unknown): boolean => isOutage(error) || isKind(error, "deadlineExceeded", "cancelled");

export const isInDoubt = ({ run }: Container): boolean => run !== undefined && !run.over && run.doubts.size > 0;
