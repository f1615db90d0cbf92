import { conflict, internal } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import { inDoubt } from "./in-doubt.ts";
import { noteFrozen, noteThawed } from "./note-freezer.ts";
import { isProcessGone, whileRunning } from "./process-gone.ts";

/** Freezes every process of the container. */
export async function pauseContainer(room: ContainerRoom, container: Container): Promise<void> {
  const { run, state } = container;
  const { status } = state;
  if (status === "paused") throw conflict(`Container ${container.id} is already paused`);
  if (status === "restarting") throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
  if (status !== "running") throw conflict(`container ${container.id} is not running`);
  await container.execStarts.run(async () => {
    await whileRunning(room, container, () =>
      inDoubt(room, run, "freezer", () => room.deps.containerd.tasks.pause(container.id)),
    );
    if (!run || !noteFrozen(room, container, run)) throw conflict(`container ${container.id} is not running`);
  });
  publishContainerEvent(room.deps.events, container.record, "pause");
}

export async function unpauseContainer(room: ContainerRoom, container: Container): Promise<void> {
  if (container.state.status !== "paused") throw internal(`Container ${container.id} is not paused`);
  const { run } = container;
  try {
    await inDoubt(room, run, "freezer", () => room.deps.containerd.tasks.resume(container.id));
  } catch (error) {
    throw (await isProcessGone(room, container.id, error)) ? internal(`Container ${container.id} is not paused`) : error;
  }
  // Thawed by a signal meanwhile, which told of it, or ended.
  if (run && container.state.status === "paused") noteThawed(room, container, run);
}
