import { isKind } from "@pouchcontainer/errors";
import { join } from "node:path";
import { removeTree } from "../../remove-tree.ts";
import type { ContainerRoom } from "../container-room.ts";
import { clearRun } from "../leftovers/clear-run.ts";
import type { Orphan } from "./orphan.ts";

/** Ends what runs of an orphan and removes all that is left of it. What was removed before a failure is no obstacle to trying again. */
export async function removeOrphan({ deps }: Pick<ContainerRoom, "deps">, { id, snapshotter }: Orphan): Promise<void> {
  const ignoreMissing = (error: unknown): void => {
    if (!isKind(error, "notFound")) throw error;
  };
  await clearRun({ deps }, { id });
  await deps.networks.forget(id);
  await deps.records.removal(() => deps.containerd.containers.delete(id)).catch(ignoreMissing);
  if (snapshotter !== undefined)
    await deps.records.removal(() => deps.containerd.snapshots(snapshotter).remove(id)).catch(ignoreMissing);
  await removeTree(join(deps.roots.containers, id));
}
