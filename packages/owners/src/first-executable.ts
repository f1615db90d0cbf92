import { accessSync, constants, statSync } from "node:fs";

/** The first of these paths that is a file this process may execute. */
export function firstExecutable(candidates: readonly string[]): string | undefined {
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}
