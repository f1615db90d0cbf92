import type { Libc } from "@pouchcontainer/linux";
import { lstatSync, readdirSync, readSync } from "node:fs";
import { FileAttributes } from "./file-attributes.ts";
import { removeTree } from "./remove-tree.ts";
import { readTree } from "./read-tree.ts";
import { resolvePath } from "./resolve-path.ts";
import { TreeWriter, type Content } from "./write-tree.ts";
import { joinPath } from "./paths.ts";

/** The parts of a `copyUp` job's view. */
const [source, target] = [Buffer.from("/source"), Buffer.from("/target")];

/**
 * Copies what the source has at a path into the target, whose own folder takes owner, mode and time of it. Does nothing when the
 * target has content or the source no such folder. A copy that fails leaves the target empty.
 */
export function copyFolder(libc: Libc, from: string): boolean {
  // Links of the source are followed inside it. Nobody else changes it: it is the new container's own.
  const folder = Buffer.concat([source, resolvePath(Buffer.from(from), source)]);
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() || readdirSync(target, "buffer").length > 0) return false;
  const attributes = new FileAttributes(libc);
  const writer = new TreeWriter(libc, attributes, target, { noOverwriteDirNonDir: false, describesRoot: true });
  try {
    for (const { entry, fd } of readTree(folder, Buffer.from("."), attributes)) writer.put(entry, contentOf(fd, entry.size));
    writer.finish();
  } catch (error) {
    for (const name of readdirSync(target, "buffer")) removeTree(libc, joinPath(target, name));
    throw error;
  }
  return true;
}

const buffer = Buffer.allocUnsafeSlow(1 << 20);

function contentOf(fd: number | undefined, size: number): Content {
  let left = size;
  return () => {
    const chunk = buffer.subarray(
      0,
      fd === undefined || left === 0 ? 0 : readSync(fd, buffer, 0, Math.min(left, buffer.length), null),
    );
    left -= chunk.length;
    return chunk;
  };
}
