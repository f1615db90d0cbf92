import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import { taskFrozenOrThawed } from "./follow-task.ts";

const topics = ["oom", "paused", "resumed"].map((name) => `topic=="/tasks/${name}"`);

/**
 * Listens for what containerd alone tells: processes the kernel killed for lack of memory, tasks that were frozen or thawed. Listens
 * again, and says so, when containerd was away.
 */
export function watchTasks(room: ContainerRoom, signal: AbortSignal, reconnected: () => void): void {
  const { deps, registry } = room;
  const listen = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const event of deps.containerd.events(topics, { signal })) {
          const container = "containerId" in event ? registry.get(event.containerId) : undefined;
          if (!container?.run) continue;
          if (event.type !== "taskOom") taskFrozenOrThawed(room, container);
          else {
            container.run.oomKilled = true;
            publishContainerEvent(deps.events, container.record, "oom");
          }
        }
      } catch {
        // The connection ended; what it ended with does not matter to who listens again.
      }
      if (signal.aborted) return;
      await deps.containerd.whenReconnected({ signal });
      reconnected();
    }
  };
  listen().catch((error: unknown) => {
    if (!signal.aborted) deps.log.error("events of tasks are not watched any more", { error: String(error) });
  });
}
