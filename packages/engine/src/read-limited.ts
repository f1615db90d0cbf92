import { invalidArgument } from "@pouchcontainer/errors";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/**
 * Text of a regular file of at most so many bytes; anything else is refused as `invalidArgument`, a file that cannot be opened with its
 * errno. For what others may have written: `latin1` keeps bytes of any encoding.
 */
export function readLimited(
  path: string,
  { mostBytes = 1 << 20, encoding = "utf8" }: { mostBytes?: number; encoding?: "utf8" | "latin1" } = {},
): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw invalidArgument(`${path} is no regular file`);
    const bytes = Buffer.allocUnsafe(mostBytes + 1);
    let length = 0;
    for (let read; length < bytes.length && (read = readSync(fd, bytes, length, bytes.length - length, null)) > 0;)
      length += read;
    if (length > mostBytes) throw invalidArgument(`${path} is larger than ${mostBytes} bytes`);
    return bytes.toString(encoding, 0, length);
  } finally {
    closeSync(fd);
  }
}
