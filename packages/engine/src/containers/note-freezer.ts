import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";

/** Notes that a frozen container goes on, which its probes and its events hear, unless its run is over. */
export function noteThawed(room: ContainerRoom, container: Container, run: ContainerRun): void {
  if (!container.noteOf(run, { state: { status: "running" } })) return;
  room.healthOf(container).resume();
  publishContainerEvent(room.deps.events, container.record, "unpause");
}

/** Notes that it is frozen, and answers whether its run was there to be. The event is up to who knows that all of it is. */
export function noteFrozen(room: ContainerRoom, container: Container, run: ContainerRun): boolean {
  return container.noteOf(run, { state: { status: "paused", ...room.healthOf(container).halt() } });
}
