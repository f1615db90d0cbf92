import { internal } from "@pouchcontainer/errors";
import { readFileSync, writeFileSync } from "node:fs";

/** Sets a kernel setting of the calling thread's namespace, unless it has the value (or the kernel lacks it) already. */
export function writeSysctl(name: string, value: string): void {
  const path = `/proc/sys/${name}`;
  let current: string;
  try {
    current = readFileSync(path, "utf8").trim();
  } catch {
    return; // A kernel without this feature, IPv6 for instance, needs no setting of it.
  }
  if (current === value) return;
  try {
    writeFileSync(path, value);
  } catch (error) {
    throw internal(
      `cannot set ${name.replaceAll("/", ".")} to ${value}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
