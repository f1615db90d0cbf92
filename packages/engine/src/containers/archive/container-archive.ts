import type * as api from "@pouchcontainer/api";
import { isKind, notFound } from "@pouchcontainer/errors";
import type { FilePath, PathStat } from "@pouchcontainer/files";
import type { Readable } from "node:stream";
import { rfc3339Nano } from "../clock.ts";
import type { Container } from "../container.ts";
import { publishContainerEvent } from "../container-events.ts";
import type { ContainerRoom } from "../container-room.ts";
import { withRootfsReader } from "../rootfs.ts";
import { buildProcess } from "../spec/index.ts";
import { withContainerView } from "./container-view.ts";

const withMounts = { layersOnly: false };

/** What a path is; a link is described, not followed. */
export async function archiveStat(room: ContainerRoom, container: Container, path: FilePath): Promise<api.ContainerPathStat> {
  return namingPath(container, path, async () =>
    pathStat(await withContainerView(room, container, withMounts, (view) => room.deps.files.stat(view, path))),
  );
}

/** A tar of the path; its entries begin with the path's last name. */
export async function archiveGet(
  room: ContainerRoom,
  container: Container,
  path: FilePath,
): Promise<{ stat: api.ContainerPathStat; tar: Readable }> {
  const begun = Promise.withResolvers<{ stat: PathStat; tar: Readable }>();
  // The view lasts until the tar is at its end; who asked is answered when it begins.
  withContainerView(room, container, withMounts, async (view) => {
    const packed = await room.deps.files.pack(view, path);
    begun.resolve(packed);
    await packed.ended;
  }).catch(begun.reject);
  const { stat, tar } = await namingPath(container, path, () => begun.promise);
  publishContainerEvent(room.deps.events, container.record, "archive-path");
  return { stat: pathStat(stat), tar };
}

/** Unpacks a tar (compressed or not) into a folder of the container. */
export async function archivePut(
  room: ContainerRoom,
  container: Container,
  path: FilePath,
  tar: Readable,
  { noOverwriteDirNonDir, copyUidGid }: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
): Promise<void> {
  const { record } = container;
  const options = {
    noOverwriteDirNonDir,
    readOnlyRoot: record.hostConfig.ReadonlyRootfs ?? false,
    mounts: record.mountPoints.map(({ destination, rw }) => ({ destination, writable: rw })),
  };
  await namingPath(container, path, () =>
    withContainerView(room, container, withMounts, async (view) => {
      // Without a user of its own the container leaves everything to whom the archive says.
      const owner = copyUidGid && record.config.User ? await ownerIn(room, container) : undefined;
      await room.deps.files.unpack(view, path, tar, { ...options, ...(owner && { owner }) });
    }),
  );
  publishContainerEvent(room.deps.events, record, "extract-to-dir");
}

/** Who the container's processes run as: `cp --archive` gives files to them. */
async function ownerIn({ deps }: ContainerRoom, container: Container): Promise<{ uid: number; gid: number }> {
  const { record } = container;
  const mounts = await deps.containerd.snapshots(record.snapshotter).mounts(container.id);
  const { process } = await withRootfsReader(deps, container, mounts, (rootfs) =>
    buildProcess({ record, facts: deps.facts, settings: deps.specSettings, rootfs }, { Cmd: ["true"] }),
  );
  return { uid: process.user.uid, gid: process.user.gid };
}

/** The keys in dockerd's order. */
function pathStat({ name, size, mode, modifiedNanoseconds, linkTarget }: PathStat): api.ContainerPathStat {
  return { name, size, mode, mtime: rfc3339Nano(BigInt(modifiedNanoseconds)), linkTarget };
}

/** Says of a path that is missing whose it is. */
async function namingPath<T>(container: Container, path: FilePath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isKind(cause, "notFound")) throw cause;
    throw notFound(`Could not find the file ${String(path)} in container ${container.record.name}`, { cause });
  }
}
