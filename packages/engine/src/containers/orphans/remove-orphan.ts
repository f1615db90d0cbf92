import { isKind } from "@pouchcontainer/errors";
import { join } from "node:path";
import { removeTree } from "../../remove-tree.ts";
import type { ContainerRoom } from "../container-room.ts";
import { deleteTask } from "../release-run.ts";
import { takeDownFolder } from "../take-down-folder.ts";
import type { Orphan } from "./orphan.ts";

/** Ends what runs of an orphan and removes all that is left of it. What was removed before a failure is no obstacle to trying again. */
export async function removeOrphan({ deps }: Pick<ContainerRoom, "deps">, { id, snapshotter }: Orphan): Promise<void> {
  const ignoreMissing = (error: unknown): void => {
    if (!isKind(error, "notFound")) throw error;
  };
  // Also where no task is listed: containerd may have begun one.
  await deleteTask({ deps }, id, true);
  await deps.networks.forget(id);
  await deps.containerd.containers.delete(id).catch(ignoreMissing);
  if (snapshotter !== undefined) await deps.containerd.snapshots(snapshotter).remove(id).catch(ignoreMissing);
  await takeDownFolder(join(deps.roots.exec, id));
  await removeTree(join(deps.roots.containers, id));
}
