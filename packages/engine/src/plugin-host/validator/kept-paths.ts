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
    const places = await placesOf(path);
    const hit = keptPlaces.find((one) => places.some((place) => isWithin(place, one.place) || isWithin(one.place, place)));
    if (hit !== undefined)
      throw forbidden(`${path} is not mounted into containers here: the daemon's --validator keeps ${hit.path} from them`);
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/**
 * Where a path leads as the kernel walks it, for which `..` behind a link is the folder above where that leads, and without its `..`, as
 * those of binds are cleaned before they are mounted.
 */
async function placesOf(path: string): Promise<string[]> {
  // Relative paths are mounted from there, too.
  const walked = path.startsWith("/") ? path : `${mountFolder}/${path}`;
  return [await truePath(walked), await truePath(resolve(walked))];
}

/** Of a path that is not there yet, what will be its place. */
async function truePath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await truePath(parent), basename(path));
  }
}
