import { invalidArgument } from "@pouchcontainer/errors";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const mostBytes = 1 << 20;

/** Text of a regular file of at most 1 MiB; anything else is refused as `invalidArgument`, a file that cannot be opened with its errno. */
export function readLimited(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw invalidArgument(`${path} is no regular file`);
    if (stats.size > mostBytes) throw invalidArgument(`${path} is larger than 1 MiB`);
    const bytes = Buffer.alloc(mostBytes);
    let length = 0;
    for (let read; length < mostBytes && (read = readSync(fd, bytes, length, mostBytes - length, null)) > 0;) length += read;
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}
