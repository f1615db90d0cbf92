import { internal, messageChain } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** How often groups are made anew that another pod's removal took away in between. */
const rounds = 3;

/** Makes them. Those that are there stay as they are. */
export async function makeGroups(folders: readonly string[]): Promise<void> {
  for (let round = 1; ; round++) {
    try {
      for (const folder of folders) await makeGroup(folder);
      return;
    } catch (error) {
      if (round < rounds && (error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw internal(`cannot make a control group: ${messageChain(error)}`, { cause: error });
    }
  }
}

async function makeGroup(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await passControllersOn(dirname(folder));
  await mkdir(folder, 0o755).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await inheritProcessors(folder);
}

/** Takes away those that are empty, the innermost first. What has processes or other groups is somebody's. */
export async function removeGroups(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed())
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (!["ENOENT", "EBUSY", "ENOTEMPTY"].includes(error.code ?? "")) throw error;
    });
}

/** A group of version 1 begins without processors and takes no process (kernel, `cpusets.rst`). */
async function inheritProcessors(folder: string): Promise<void> {
  // With version 2 an empty file means those of the group above.
  if (existsSync(join(folder, "cgroup.controllers"))) return;
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const above = join(dirname(folder), file);
    if (existsSync(above)) await writeFile(join(folder, file), (await readFile(above, "utf8")).trim());
  }
}

/** A group of version 2 has the controllers that the one above it hands down. */
async function passControllersOn(folder: string): Promise<void> {
  if (!existsSync(join(folder, "cgroup.subtree_control"))) return;
  const read = async (file: string): Promise<string[]> =>
    (await readFile(join(folder, file), "utf8")).split(/\s+/).filter((word) => word !== "");
  const passed = await read("cgroup.subtree_control");
  const missing = (await read("cgroup.controllers")).filter((controller) => !passed.includes(controller));
  // One by one: a controller that cannot be had takes none of the others along.
  for (const controller of missing)
    await writeFile(join(folder, "cgroup.subtree_control"), `+${controller}`).catch((error: NodeJS.ErrnoException) => {
      if (!["EBUSY", "EINVAL", "ENOENT", "EOPNOTSUPP"].includes(error.code ?? "")) throw error;
    });
}
