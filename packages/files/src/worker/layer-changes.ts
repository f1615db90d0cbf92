import type { Libc } from "@pouchcontainer/linux";
import { lstatSync, readdirSync, type Stats } from "node:fs";
import type { Change } from "../file-jobs.ts";
import { codeOf } from "./job-failure.ts";
import { cString, joinPath } from "./paths.ts";

/** The parts of a `changes` job's view. */
const [upper, lower] = [Buffer.from("/upper"), Buffer.from("/lower")];

const kinds = { modified: 0, added: 1, deleted: 2 } as const;

/** overlayfs' marks on a folder that hides what lower layers have in its place (kernel, `overlayfs.rst`). */
const opaqueMarks = ["trusted.overlay.opaque", "user.overlay.opaque"];

/** What an overlay's upper layer changes of the layers below, in the order of the names' bytes; `mountedOver` is nobody's change. */
export function layerChanges(libc: Libc, mountedOver: readonly string[]): Change[] {
  const hidden = new Set(mountedOver.map((path) => Buffer.from(path).toString("latin1")));
  const isOpaque = (folder: Buffer): boolean =>
    opaqueMarks.some((name) => libc.attempt("lgetxattr", cString(folder), name, null, 0n) > 0);
  const changes: Change[] = [];
  const walk = (folder: Buffer, inLower: boolean): void => {
    for (const name of namesIn(joinPath(upper, folder.subarray(1)))) {
      const path = joinPath(folder, name);
      if (hidden.has(path.toString("latin1"))) continue;
      const stats = lstat(upper, path);
      if (stats === undefined) continue;
      const below = inLower ? lstat(lower, path) : undefined;
      if (isWhiteout(stats)) {
        changes.push({ path: path.toString(), kind: kinds.deleted });
        continue;
      }
      const children = stats.isDirectory() ? namesIn(joinPath(upper, path.subarray(1))) : [];
      // A folder that is there only for mount points in it was not changed by the container.
      const forMountsOnly =
        children.length > 0 && children.every((child) => hidden.has(joinPath(path, child).toString("latin1")));
      if (!forMountsOnly) changes.push({ path: path.toString(), kind: below === undefined ? kinds.added : kinds.modified });
      if (stats.isDirectory()) walk(path, below?.isDirectory() === true && !isOpaque(joinPath(upper, path.subarray(1))));
    }
  };
  walk(Buffer.from("/"), true);
  return changes.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

const isWhiteout = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;

/** A running container removes files meanwhile, and puts others in the place of their folders. */
function lstat(layer: Buffer, path: Buffer): Stats | undefined {
  try {
    return lstatSync(joinPath(layer, path.subarray(1)), { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR" || codeOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

function namesIn(path: Buffer): Buffer[] {
  try {
    return readdirSync(path, "buffer");
  } catch {
    // Removed or replaced since it was listed.
    return [];
  }
}
