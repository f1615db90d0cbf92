import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";

/** Listens for processes the kernel killed for lack of memory; listens again, and says so, when containerd was away. */
export function watchMemoryKills(room: ContainerRoom, signal: AbortSignal, reconnected: () => void): void {
  const { deps, registry } = room;
  const listen = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const event of deps.containerd.events(['topic=="/tasks/oom"'], { signal })) {
          const container = event.type === "taskOom" ? registry.get(event.containerId) : undefined;
          if (!container?.run) continue;
          container.run.oomKilled = true;
          publishContainerEvent(deps.events, container.record, "oom");
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
    if (!signal.aborted) deps.log.error("out-of-memory events are not watched any more", { error: String(error) });
  });
}
