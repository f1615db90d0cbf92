import { makeFolders } from "@pouchcontainer/owners";
import { chmod } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder, and those missing above it, that everyone may look into: for what is a container's or a person's. Everything else
 * the daemon makes is root's alone (its umask). Folders that exist keep their modes.
 */
export async function makeOpenFolder(path: string): Promise<void> {
  const first = await makeFolders(path);
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}
