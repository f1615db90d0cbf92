import { isKind } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import { roomForStart } from "./room-for-start.ts";
import { refuseAgain } from "./start-container.ts";
import { stopContainer } from "./stop-container.ts";

/** Stops what runs and starts it; what does not run is started. */
export async function restartContainer(
  room: ContainerRoom,
  container: Container,
  options: { signal?: string; timeoutSeconds?: number },
): Promise<void> {
  container.restarts++;
  try {
    await container.startsSettled();
    refuseAgain(container);
    if (container.isRunning || container.state.status === "restarting") {
      await using _room = await container.lock.run(() => roomForStart(container));
      await unlessItIsSo(stopContainer(room, container, options));
    }
    await unlessItIsSo(room.start(container));
    publishContainerEvent(room.deps.events, container.record, "restart");
  } finally {
    container.restarts--;
  }
}

/** What has ended by itself needs no stop; what somebody else has started meanwhile, as a second restart does, runs as was asked for. */
async function unlessItIsSo(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, "notModified")) throw error;
  }
}
