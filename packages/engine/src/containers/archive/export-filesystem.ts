import type { Readable } from "node:stream";
import type { Container } from "../container.ts";
import { publishContainerEvent } from "../container-events.ts";
import type { ContainerRoom } from "../container-room.ts";
import { withContainerView } from "./container-view.ts";

/** The container's own file system as one tar, volumes and other mounts left out. */
export async function exportFilesystem(room: ContainerRoom, container: Container): Promise<Readable> {
  const begun = Promise.withResolvers<Readable>();
  // The view lasts until the tar is at its end; who asked is answered when it begins.
  withContainerView(room, container, { layersOnly: true }, async (view) => {
    const { tar, ended } = await room.deps.files.export(view);
    begun.resolve(tar);
    await ended;
  }).catch(begun.reject);
  const tar = await begun.promise;
  publishContainerEvent(room.deps.events, container.record, "export");
  return tar;
}
