import { existsSync } from "node:fs";
import { foldersAlong, type GroupHierarchies } from "../control-groups/control-groups.ts";

/**
 * Folders of a group that are a pod's to remove: those that are not there yet, and those other pods made (`claimed`), which the last of
 * them removes. In all hierarchies, each after the one above it.
 */
export function groupsToOwn({ places }: GroupHierarchies, group: string, claimed: ReadonlySet<string>): string[] {
  return foldersAlong(places, group).filter((folder) => claimed.has(folder) || !existsSync(folder));
}
