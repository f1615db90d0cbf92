import { isKind } from "@pouchcontainer/errors";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerRoom } from "../container-room.ts";
import { isContainerId, namesIn } from "../folder-names.ts";
import { cgroupsPath } from "../spec/index.ts";
import { takeDownFolder } from "../take-down-folder.ts";
import { clearRun } from "./clear-run.ts";
import { groupFolders, hierarchiesOf, processesIn, removeGroup } from "../../control-groups/control-groups.ts";
import { footprints, type Footprint } from "./footprints.ts";

/** A group of nobody we know is not one that is just being made. */
const groupAgeMs = 60_000;

/** Takes away what is left of runs whose containers are gone. What has files of its own is a matter of orphans, and not touched. */
export async function clearStrays(room: ContainerRoom, found: ReadonlyMap<string, Footprint>): Promise<void> {
  const { deps, registry, orphans } = room;
  await clearHalfDeletedBundles(room);
  const strays = [...found.keys()].filter((id) => !registry.knows(id) && !orphans.has(id));
  if (strays.length === 0) return;
  // A removal that ended since the look had its traces there; it has taken them away before it forgot the container.
  const now = await footprints(room);
  for (const id of strays) {
    const traces = now.get(id)?.traces;
    if (!traces) continue;
    try {
      if (traces.size === 1 && traces.has("control group")) await clearOldGroup(room, id);
      else if (!(await hasFiles(room, id))) {
        deps.log.warn("what is left of a container that is gone is removed", { container: id, found: [...traces].join(", ") });
        await clearRun(room, { id });
      }
    } catch (error) {
      deps.log.warn("what is left of a container that is gone could not be removed", { container: id, error: String(error) });
    }
  }
}

/**
 * containerd gives a bundle a name with a dot before it deletes it (`Bundle.Delete`), and forgets it: what was killed in between
 * stays. Of its own deletion it needs far less than this.
 */
const bundleAgeMs = 10_000;

async function clearHalfDeletedBundles({ deps: { runtimeRoots, log } }: ContainerRoom): Promise<void> {
  const found = await Promise.all(
    runtimeRoots.bundles.map(async (place) => (await namesIn(place)).map((name) => ({ name, path: join(place, name) }))),
  );
  for (const { name, path } of found.flat()) {
    if (!name.startsWith(".") || !isContainerId(name.slice(1))) continue;
    try {
      // The new name is a change of the folder.
      if (Date.now() - (await stat(path)).ctimeMs < bundleAgeMs) continue;
      log.warn("a bundle that containerd did not finish deleting is removed", { container: name.slice(1) });
      await takeDownFolder(path);
    } catch (error) {
      if (!isMissing(error)) log.warn("a bundle of no container could not be removed", { path, error: String(error) });
    }
  }
}

/** A name under our parent group says less than the other traces: it may be another's that shares the parent. An empty one serves nobody. */
async function clearOldGroup({ deps }: ContainerRoom, id: string): Promise<void> {
  const { cgroupDriver, cgroupParent } = deps.specSettings;
  for (const folder of groupFolders(hierarchiesOf(deps.mountInfo()), cgroupsPath(id, cgroupDriver, cgroupParent))) {
    const { ctimeMs } = await stat(folder);
    if (Date.now() - ctimeMs < groupAgeMs) return;
    // The groups below it, which a container makes for itself, may be empty all the same.
    if ((await processesIn(folder)).length > 0) return;
    await removeGroup(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EBUSY") throw error;
    });
  }
}

async function hasFiles({ deps }: ContainerRoom, id: string): Promise<boolean> {
  const looks = await Promise.all([
    isThere(deps.containerd.containers.get(id)),
    isThere(deps.containerd.snapshots(deps.defaultSnapshotter).stat(id)),
    isThere(stat(join(deps.roots.containers, id))),
  ]);
  return looks.includes(true);
}

async function isThere(look: Promise<unknown>): Promise<boolean> {
  try {
    await look;
    return true;
  } catch (error) {
    if (isKind(error, "notFound") || isMissing(error)) return false;
    throw error;
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";
