import { internal } from "@pouchcontainer/errors";
import { readFileSync, writeFileSync } from "node:fs";

/**
 * Sets a kernel setting of the calling thread's namespace, unless it has the value (or the kernel lacks it) already. Returns
 * the value of before where it changed it.
 */
export function writeSysctl(name: string, value: string): string | undefined {
  const path = `/proc/sys/${name}`;
  let current: string;
  try {
    current = readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // A kernel without this feature, IPv6 for instance, needs no setting of it.
  }
  if (current === value) return undefined;
  try {
    writeFileSync(path, value);
    return current;
  } catch (error) {
    throw internal(
      `cannot set ${name.replaceAll("/", ".")} to ${value}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
