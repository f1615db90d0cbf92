import { writeWholeSync } from "@pouchcontainer/engine";
import { readFileSync } from "node:fs";

/** What a daemon before this one noted in a file; undefined where nothing is. */
export function noted(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** A full disk keeps no daemon from starting: the next one then does not know it. */
export function note(file: string, text: string): void {
  try {
    writeWholeSync(file, text);
  } catch {
    // See above.
  }
}
