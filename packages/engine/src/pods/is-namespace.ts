import { statfsSync } from "node:fs";

/** `NSFS_MAGIC` of <linux/magic.h>. */
const namespaceFileSystem = 0x6e73_6673;

/** Whether a namespace is pinned at the path; a file that is left of one is none. */
export function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === namespaceFileSystem;
  } catch {
    return false;
  }
}
