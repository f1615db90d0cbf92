import { makeFolders } from "@pouchcontainer/owners";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isThere, removeTree } from "../remove-tree.ts";
import { contextFolder, folderView } from "./build-context.ts";
import type { BuildDeps } from "./build-deps.ts";

/** Ids of builds, which their folders are called. */
export const newBuildId = (): string => randomBytes(16).toString("hex");
const isBuildId = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

type Deps = Pick<BuildDeps, "files" | "folder" | "warn">;

/** Makes a build's own folder; returns where it is. */
export async function makeBuildFolder({ folder }: Deps, id: string): Promise<string> {
  const own = join(folder, id);
  await makeFolders(own, 0o700);
  return own;
}

/**
 * Removes a build's folder. What a client sent may have paths that are longer than any that the kernel takes from outside of it:
 * these are a worker's, whose root it is, and which goes from folder to folder.
 */
export async function removeBuildFolder({ files }: Deps, own: string): Promise<void> {
  const context = contextFolder(own);
  if (isThere(context)) await files.removeIgnored(folderView(context), ["**"], new AbortController().signal);
  await removeTree(own);
}

/** Removes folders of builds that their daemon did not live to end. What has another name is somebody else's. */
export async function removeLeftFolders(deps: Deps): Promise<void> {
  await makeFolders(deps.folder, 0o700);
  for (const name of (await readdir(deps.folder)).filter(isBuildId)) {
    const own = join(deps.folder, name);
    try {
      await removeBuildFolder(deps, own);
    } catch (error) {
      // The next start finds it again.
      deps.warn("the folder of a build that was cut short could not be removed", { folder: own, error: String(error) });
    }
  }
}
