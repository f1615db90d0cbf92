import { inBackground } from "@pouchcontainer/owners";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import { isInDoubt } from "./in-doubt.ts";
import { noteFrozen, noteThawed } from "./note-freezer.ts";
import { finishUpdate } from "./update-container.ts";

/** containerd tells that the task was frozen or thawed: of one that nobody has doubts about, who did it was answered. */
export function taskFrozenOrThawed(room: ContainerRoom, container: Container): void {
  if (isInDoubt(container)) inBackground("following a task", () => container.lock.run(() => followTask(room, container)));
}

/**
 * Finishes an update that is in doubt, and lets the record learn of the task whether it is frozen. The caller holds the container's
 * lock. About the freezer the doubt stays until a later call is answered: nobody knows when the shim goes on.
 */
export async function followTask(room: ContainerRoom, container: Container): Promise<void> {
  const { deps } = room;
  const { run } = container;
  if (!run || !isInDoubt(container)) return;
  const { status } = await deps.containerd.tasks.get(container.id);
  if (status !== "running" && status !== "paused") return;
  if (run.doubts.has("limits")) await finishUpdate(room, container);
  if (!container.isRunning || container.state.status === status) return;
  if (status === "running") noteThawed(room, container, run);
  else if (noteFrozen(room, container, run)) publishContainerEvent(deps.events, container.record, "pause");
}
