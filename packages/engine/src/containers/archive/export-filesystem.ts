import { PassThrough, type Readable } from "node:stream";
import type { Container } from "../container.ts";
import { publishContainerEvent } from "../container-events.ts";
import type { ContainerRoom } from "../container-room.ts";
import { withMountedSnapshot } from "../rootfs.ts";
import { packTo } from "./container-archive.ts";

/** The container's own file system as one tar, volumes and other mounts left out. */
export function exportFilesystem(room: ContainerRoom, container: Container): Readable {
  const tar = new PassThrough();
  withMountedSnapshot(room.deps, container, (root) => packTo(root, ".", "", tar)).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  publishContainerEvent(room.deps.events, container.record, "export");
  return tar;
}
