import { writeSync } from "node:fs";

/** Writes all of it, however little a pipe takes at once. */
export function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
