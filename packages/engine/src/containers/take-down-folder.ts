import { readFile } from "node:fs/promises";
import { asTheKernelNames, mountsBelow } from "../mounts-below.ts";
import { isThere, removeTree } from "../remove-tree.ts";
import { unmount } from "./rootfs.ts";

/** Removes a folder in which nobody but us mounts: shared memory, root file systems. That nothing is there is fine. */
export async function takeDownFolder(path: string): Promise<void> {
  if (!isThere(path)) return;
  const name = await asTheKernelNames(path);
  for (const place of mountsBelow(await readFile("/proc/self/mountinfo", "utf8"), name)) await unmount(place);
  await removeTree(path);
}
