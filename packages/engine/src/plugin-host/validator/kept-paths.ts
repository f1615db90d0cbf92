import { forbidden } from "@pouchcontainer/errors";
import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { realpath } from "node:fs/promises";
import { dirname, join, basename, resolve } from "node:path";
import { mountFolder } from "../../volumes/mount-folder.ts";

/** Host paths that a create request mounts. */
export function mountedBy({ HostConfig: { Binds = [], Mounts = [] } }: ContainerCreateConfig): string[] {
  return [
    ...Binds.map((bind) => bind.split(":", 1)[0] ?? ""),
    ...Mounts.filter(({ Type }) => Type === "bind").map(({ Source = "" }) => Source),
  ].filter((path) => path.startsWith("/"));
}

/** Refuses paths that lead to a kept one, to what is below it, or to what contains it; links are followed as they are now. */
export async function refuseKept(kept: readonly string[], asked: readonly string[]): Promise<void> {
  if (kept.length === 0 || asked.length === 0) return;
  const keptPlaces = await Promise.all(kept.map(async (path) => ({ path, place: await truePath(path) })));
  for (const path of asked) {
    const place = await truePath(path);
    const hit = keptPlaces.find((one) => isWithin(place, one.place) || isWithin(one.place, place));
    if (hit !== undefined)
      throw forbidden(`${path} is not mounted into containers here: the daemon's --validator keeps ${hit.path} from them`);
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** Of a path that is not there yet, what will be its place. */
async function truePath(path: string): Promise<string> {
  // Relative paths are mounted from there, too.
  const plain = resolve(mountFolder, path);
  try {
    return await realpath(plain);
  } catch {
    return plain === "/" ? plain : join(await truePath(dirname(plain)), basename(plain));
  }
}
