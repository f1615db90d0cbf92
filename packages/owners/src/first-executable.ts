import { accessSync, constants } from "node:fs";

/** The first of these paths that this process may execute. */
export function firstExecutable(candidates: readonly string[]): string | undefined {
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
