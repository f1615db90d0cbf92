import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { NamespaceOwner } from "./joined-owners.ts";
import { sharedMemoryPath } from "./rootfs.ts";
import { containerOfMode } from "./spec/index.ts";

/** What a container has for others to join; undefined where there is none of that name. */
export function namespaceOwner(room: ContainerRoom, ref: string): NamespaceOwner | undefined {
  const found = room.registry.find(ref);
  if (found === undefined) return undefined;
  const shmPath = sharedMemoryOf(room, found);
  return {
    sharesIpc: shmPath !== undefined,
    ...(found.isRunning && { running: { pid: found.state.pid, ...(shmPath !== undefined && { shmPath }) } }),
  };
}

/** Where the shared memory is that a container lets others have; undefined where it keeps it to itself. */
function sharedMemoryOf(room: ContainerRoom, container: Container): string | undefined {
  const { pod, hostConfig } = container.record;
  if (pod?.shmPath !== undefined) return pod.shmPath;
  const { IpcMode } = hostConfig;
  if (IpcMode === "shareable") return sharedMemoryPath(container);
  if (IpcMode === "host") return "/dev/shm";
  const owner = room.registry.get(containerOfMode(IpcMode) ?? "");
  return owner && sharedMemoryOf(room, owner);
}
