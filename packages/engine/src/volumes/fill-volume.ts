import { internal } from "@pouchcontainer/errors";
import { runProgram } from "@pouchcontainer/owners";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { rootfsReader } from "../containers/spec/rootfs-reader.ts";

/** An image may have gigabytes there, on a slow disk. */
const copyTimeoutMs = 3_600_000;

/**
 * Copies what the image has at `destination` into an empty volume, with owners, modes, times and attributes; the volume's own
 * folder takes those of the image's. Does nothing when the volume has content or the image has none. A copy that fails leaves
 * the volume empty.
 */
export async function fillVolume(volumePath: string, rootfs: string, destination: string): Promise<boolean> {
  // Links in the image are followed inside the image only.
  const source = rootfsReader(rootfs).resolve(destination);
  if (source === undefined || !(await stat(source)).isDirectory()) return false;
  await mkdir(volumePath, { recursive: true });
  if ((await readdir(volumePath)).length > 0) return false;
  try {
    await runProgram("cp", ["-a", "--", `${source}/.`, volumePath], { timeoutMs: copyTimeoutMs });
  } catch (cause) {
    for (const name of await readdir(volumePath)) await rm(join(volumePath, name), { recursive: true, force: true });
    throw internal(`cannot copy the image's ${destination} into the volume at ${volumePath}`, { cause });
  }
  return true;
}
