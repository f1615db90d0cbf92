import { failedPrecondition } from "@pouchcontainer/errors";
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { asTheKernelNames, mountsAtOrBelow } from "./mounts-below.ts";

/**
 * Removes a folder, or a file, with all that is in it, unless something is mounted there: what a mount shows is somebody else's,
 * and whoever wants the folder gone has to take the mount down first. That nothing is there is fine.
 */
export async function removeTree(path: string): Promise<void> {
  if (!isThere(path)) return;
  const name = await asTheKernelNames(path);
  const places = mountsAtOrBelow(await readFile("/proc/self/mountinfo", "utf8"), name);
  if (places.length > 0) throw failedPrecondition(`${path} is not removed: ${places.join(" and ")} is mounted`);
  await rm(path, { recursive: true, force: true });
}

/** Where nothing is, nothing is mounted: the list of mounts, long where many containers run, need not be read. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Removes a folder of few files and no folders, at once. The kernel looks for mounts on each name it takes away (EBUSY), and begins
 * with the folder: nothing that a mount shows goes. That nothing is there is fine.
 */
export function removeFlatFolder(path: string): void {
  try {
    rmdirSync(path);
    return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
  for (const name of readdirSync(path)) unlinkSync(join(path, name));
  rmdirSync(path);
}
