import { invalidArgument } from "@pouchcontainer/errors";
import { makeFolders, runProgram } from "@pouchcontainer/owners";
import { closeSync, fstatSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Container } from "./container.ts";
import type { MountPointRecord } from "./container-record.ts";
import { unmount } from "./rootfs.ts";
import { rootfsReader } from "./spec/index.ts";

/** Where a mount's `Subpath` is found: by the mount's destination, a path that only the daemon can change. */
export interface VolumeSubpaths extends AsyncDisposable {
  places: ReadonlyMap<string, string>;
}

/**
 * Mounts what the `Subpath`s of a container name at places of the daemon's own, for as long as the runtime needs to mount them from
 * there. Another container that has the volume may exchange any name on the way for a link, and the runtime follows links on the
 * host: so it gets no path in the volume, but the very file that was found below it.
 */
export async function mountSubpaths(container: Container): Promise<VolumeSubpaths> {
  const places = new Map<string, string>();
  const unmountAll = async (): Promise<void> => {
    for (const place of places.values()) await unmount(place);
  };
  try {
    for (const point of container.record.mountPoints) {
      const subpath = point.spec?.VolumeOptions?.Subpath;
      if (!subpath) continue;
      const place = join(container.execDirectory, `subpath-${places.size}`);
      await mountSubpath(point, subpath, place);
      places.set(point.destination, place);
    }
  } catch (error) {
    await unmountAll();
    throw error;
  }
  return { places, [Symbol.asyncDispose]: unmountAll };
}

async function mountSubpath({ source, name = "" }: MountPointRecord, subpath: string, place: string): Promise<void> {
  const descriptor = rootfsReader(source).open(subpath);
  if (descriptor === undefined) throw invalidArgument(`no such file or directory in volume ${name}: ${subpath}`);
  try {
    await makeFolders(join(place, ".."), 0o710);
    if (fstatSync(descriptor).isDirectory()) await makeFolders(place);
    else await writeFile(place, "");
    // The path is not to be resolved by the program: it is a name of the descriptor, not of a file.
    await runProgram("mount", ["--no-canonicalize", "--bind", `/proc/${process.pid}/fd/${descriptor}`, place]);
  } finally {
    closeSync(descriptor);
  }
}
