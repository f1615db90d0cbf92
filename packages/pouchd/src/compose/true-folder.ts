import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** A folder as the kernel names it, whatever links lead there; what of it is not made yet is as it was given. */
export function trueFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(trueFolder(dirname(path)), basename(path));
  }
}

/** Whether a folder lies below another one. */
export const isBelow = (folder: string, above: string): boolean =>
  folder.startsWith(above.endsWith("/") ? above : `${above}/`) && folder !== above;
