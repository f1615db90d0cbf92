import { failedPrecondition } from "@pouchcontainer/errors";
import { readFile, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { mountsAtOrBelow } from "./mounts-below.ts";

/**
 * Removes a folder, or a file, with all that is in it, unless something is mounted there: what a mount shows is somebody else's,
 * and whoever wants the folder gone has to take the mount down first. That nothing is there is fine.
 */
export async function removeTree(path: string): Promise<void> {
  const places = mountsAtOrBelow(await readFile("/proc/self/mountinfo", "utf8"), await asTheKernelNames(path));
  if (places.length > 0) throw failedPrecondition(`${path} is not removed: ${places.join(" and ")} is mounted`);
  await rm(path, { recursive: true, force: true });
}

/** Through links on the way to it; itself, it may be a link, which is what goes. */
async function asTheKernelNames(path: string): Promise<string> {
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
    throw error;
  }
}
