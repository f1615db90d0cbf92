import type { TaskState } from "@pouchcontainer/containerd";
import { isKind } from "@pouchcontainer/errors";
import { join } from "node:path";
import { ownerLabel } from "../container-deps.ts";
import type { ContainerRoom } from "../container-room.ts";
import { containersIn, namesIn } from "../folder-names.ts";
import { containerMark, layersOf } from "../rootfs.ts";
import type { Orphan } from "./orphan.ts";

/** What lies about without a record. */
export interface Unrecorded {
  /** Containers: something of them ran, was written or logged. */
  orphans: Orphan[];
  /** What a create that never answered had begun: an untouched snapshot, an empty folder. Nothing of it was anybody's. */
  pieces: Orphan[];
}

/** Looks through containerd and our folders for what no record speaks of. `isKnown` is the store's word. */
export async function findOrphans(
  { deps }: Pick<ContainerRoom, "deps">,
  found: { tasks: readonly TaskState[]; snapshots: ReadonlyMap<string, string> },
  isKnown: (id: string) => boolean,
): Promise<Unrecorded> {
  const inContainerd = new Set(
    (await deps.containerd.containers.list([`labels.${JSON.stringify(ownerLabel)}`])).map(({ id }) => id),
  );
  const tasks = new Map(found.tasks.map((task) => [task.containerId, task]));
  const folders = await containersIn(deps.roots.containers);
  const ids = new Set([...inContainerd, ...found.snapshots.keys(), ...folders]);
  const unrecorded: Unrecorded = { orphans: [], pieces: [] };
  for (const id of ids) {
    if (isKnown(id)) continue;
    const task = tasks.get(id);
    const snapshotter = found.snapshots.get(id);
    const record = deps.records.findCopy(id);
    const orphan: Orphan = {
      id,
      ...(record && { record }),
      inContainerd: inContainerd.has(id),
      ...(task && { task: { status: task.status, pid: task.pid } }),
      ...(snapshotter !== undefined && { snapshotter }),
    };
    const untouched = !orphan.inContainerd && !task && (await isUntouched(deps, orphan));
    (untouched ? unrecorded.pieces : unrecorded.orphans).push(orphan);
  }
  return unrecorded;
}

async function isUntouched(deps: ContainerRoom["deps"], { id, snapshotter }: Orphan): Promise<boolean> {
  if ((await namesIn(join(deps.roots.containers, id))).length > 0) return false;
  if (snapshotter === undefined) return true;
  try {
    const snapshots = deps.containerd.snapshots(snapshotter);
    const [own] = layersOf(await snapshots.mounts(id)) ?? [];
    if (own !== undefined) return (await namesIn(own)).every((name) => name === containerMark);
    // The snapshot's own folder is the one inode.
    return (await snapshots.usage(id)).inodes <= 1;
  } catch (error) {
    if (isKind(error, "notFound")) return true;
    throw error;
  }
}
