import { PassThrough, type Readable } from "node:stream";
import type { Container } from "../container.ts";
import { publishContainerEvent } from "../container-events.ts";
import type { ContainerRoom } from "../container-room.ts";
import { withMountedSnapshot } from "../rootfs.ts";
import { kernelPlaces, packTo } from "./container-archive.ts";

/** The container's own file system as one tar, volumes and other mounts left out. */
export function exportFilesystem(room: ContainerRoom, container: Container): Readable {
  const tar = new PassThrough();
  pack(room, container, tar).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  publishContainerEvent(room.deps.events, container.record, "export");
  return tar;
}

/** A snapshot in use must not be mounted a second time: a running container is looked at through its process. */
async function pack(room: ContainerRoom, container: Container, tar: PassThrough): Promise<void> {
  if (!container.isRunning) return withMountedSnapshot(room.deps, container, (root) => packTo(root, ".", "", tar));
  const mounted = container.record.mountPoints.map(({ destination }) => destination.slice(1));
  await packTo(`/proc/${container.state.pid}/root`, ".", "", tar, [...kernelPlaces, ...mounted]);
}
