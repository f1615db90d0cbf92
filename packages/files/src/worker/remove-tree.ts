import type { Libc } from "@pouchcontainer/linux";
import { closeSync, constants, openSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { codeOf } from "./job-failure.ts";

/**
 * Removes what a path names, folders with all there is in them. Each folder is entered through its descriptor: one that is
 * replaced by a link meanwhile is never walked into. Changes the working directory to the root.
 */
export function removeTree(libc: Libc, path: Buffer): void {
  const root = openFolder(Buffer.from("/"));
  try {
    libc.call("fchdir", root);
    remove(libc, path, root);
  } finally {
    libc.call("fchdir", root);
    closeSync(root);
  }
}

function remove(libc: Libc, name: Buffer, from: number): void {
  try {
    unlinkSync(name);
    return;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    // Linux says EISDIR for a folder, some file systems EPERM.
    if (codeOf(error) !== "EISDIR" && codeOf(error) !== "EPERM") throw error;
  }
  const folder = openFolder(name);
  try {
    libc.call("fchdir", folder);
    for (const child of readdirSync(".", "buffer")) remove(libc, child, folder);
  } finally {
    libc.call("fchdir", from);
    closeSync(folder);
  }
  rmdirSync(name);
}

const openFolder = (path: Buffer): number => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
