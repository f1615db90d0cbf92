import { opaqueMark, type Libc } from "@pouchcontainer/linux";
import { lstatSync, readdirSync, type Stats } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { FileAttributes } from "./file-attributes.ts";
import { codeOf } from "./job-failure.ts";
import { cString, joinPath } from "./paths.ts";

/** Where a view has an overlay's upper layer as it lies on disk (kernel, `overlayfs.rst`). */
export const upper = Buffer.from("/upper");

/** Where it has the layers below, as one tree. */
export const lower = Buffer.from("/lower");

/** overlayfs' mark in the place of what is hidden of lower layers. */
export const isWhiteout = (stats: Pick<Stats, "isCharacterDevice" | "rdev">): boolean =>
  stats.isCharacterDevice() && stats.rdev === 0;

/** Whether a folder hides what lower layers have in its place. */
export function isOpaque(libc: Libc, folder: Buffer): boolean {
  return libc.attempt("lgetxattr", cString(folder), opaqueMark, null, 0n) > 0;
}

/** What stands at a path of a layer. A running container removes files meanwhile, and puts others in the place of their folders. */
export function lstatIn(layer: Buffer, path: Buffer): Stats | undefined {
  try {
    return lstatSync(pathIn(layer, path), { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR" || codeOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

/** Of a folder that was removed or replaced since it was seen there are none. */
export function namesIn(layer: Buffer, folder: Buffer): Buffer[] {
  try {
    return readdirSync(pathIn(layer, folder), "buffer");
  } catch {
    return [];
  }
}

/** Where an absolute path of the container is in a layer. */
export const pathIn = (layer: Buffer, path: Buffer): Buffer => joinPath(layer, path.subarray(1));

/** As the runtime makes a folder that it needs. */
const folderMode = 0o755;

/**
 * Places of a container, as absolute paths, that the runtime mounts over. What it had to put there to mount on, an empty file or folder,
 * is nobody's change; all else that lies there somebody put into the container's layer.
 */
export class MountedOver {
  readonly #places: ReadonlySet<string>;
  readonly #attributes: FileAttributes;

  constructor(places: readonly string[], attributes: FileAttributes) {
    this.#places = new Set(places.map((path) => Buffer.from(path).toString("latin1")));
    this.#attributes = attributes;
  }

  /** Whether nothing is at a path but what is there to be mounted over. */
  hides(path: Buffer): boolean {
    if (!this.#places.has(path.toString("latin1"))) return false;
    const here = lstatIn(upper, path);
    const below = lstatIn(lower, path);
    if (here?.isDirectory())
      return namesIn(upper, path).length === 0 && (!below?.isDirectory() || this.#isAsBelow(path, here, below));
    if (!here?.isFile() || here.size > 0) return false;
    return !below?.isFile() || (below.size === 0 && this.#isAsBelow(path, here, below));
  }

  /** Whether a folder with these names is there only for such places in it: then the container did not change it. */
  isAllOf(folder: Buffer, names: readonly Buffer[]): boolean {
    if (names.length === 0 || !names.every((name) => this.hides(joinPath(folder, name)))) return false;
    const here = lstatIn(upper, folder);
    const below = lstatIn(lower, folder);
    if (here === undefined) return true;
    if (!below?.isDirectory()) return (here.mode & 0o7777) === folderMode && here.uid === 0 && here.gid === 0;
    return this.#isAsBelow(folder, here, below);
  }

  #isAsBelow(path: Buffer, here: Stats, below: Stats): boolean {
    if (here.mode !== below.mode || here.uid !== below.uid || here.gid !== below.gid) return false;
    const [ours, theirs] = [upper, lower].map((layer) => this.#attributes.read(pathIn(layer, path)));
    return isDeepStrictEqual(ours, theirs);
  }
}
