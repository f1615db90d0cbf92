import type { Change } from "../file-jobs.ts";
import { writeAll } from "./write-all.ts";

const changesAtOnce = 256;

/** Writes a list of changes to a descriptor, as JSON. */
export function writeChanges(changes: readonly Change[], fd: number): void {
  for (let at = 0; at < changes.length; at += changesAtOnce) {
    const items = changes.slice(at, at + changesAtOnce).map((change) => JSON.stringify(change));
    writeAll(fd, Buffer.from(`${at === 0 ? "[" : ","}${items.join(",")}`));
  }
  writeAll(fd, Buffer.from(changes.length === 0 ? "[]\n" : "]\n"));
}
