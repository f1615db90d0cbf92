import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { JobFailure } from "./job-failure.ts";
import { noSuchPath } from "./stat-path.ts";
import { codeOf } from "./job-failure.ts";
import { resolvePath } from "./resolve-path.ts";
import { writeAll } from "./write-all.ts";

const chunk = Buffer.allocUnsafeSlow(1 << 20);

/** Writes a file's content to a descriptor. What is no file is refused, whatever it is. */
export function sendFile(path: Buffer, output: number, tellSize: (size: number) => void): undefined {
  const fd = openOrRefuse(path);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new JobFailure("invalidArgument", `${path.toString()} is not a file`);
    tellSize(stats.size);
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) writeAll(output, chunk.subarray(0, count));
  } finally {
    closeSync(fd);
  }
}

function openOrRefuse(path: Buffer): number {
  try {
    return openSync(resolvePath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") throw noSuchPath(path);
    throw error;
  }
}
