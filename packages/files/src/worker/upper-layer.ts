import { opaqueMark, type Libc } from "@pouchcontainer/linux";
import type { Stats } from "node:fs";
import { cString, joinPath } from "./paths.ts";

/** Where a view has an overlay's upper layer as it lies on disk (kernel, `overlayfs.rst`). */
export const upper = Buffer.from("/upper");

/** overlayfs' mark in the place of what is hidden of lower layers. */
export const isWhiteout = (stats: Pick<Stats, "isCharacterDevice" | "rdev">): boolean =>
  stats.isCharacterDevice() && stats.rdev === 0;

/** Whether a folder hides what lower layers have in its place. */
export function isOpaque(libc: Libc, folder: Buffer): boolean {
  return libc.attempt("lgetxattr", cString(folder), opaqueMark, null, 0n) > 0;
}

/** Places of a container that are mounted over: what lies there is nobody's change. Paths are absolute. */
export class MountedOver {
  readonly #places: ReadonlySet<string>;

  constructor(places: readonly string[]) {
    this.#places = new Set(places.map((path) => Buffer.from(path).toString("latin1")));
  }

  hides(path: Buffer): boolean {
    return this.#places.has(path.toString("latin1"));
  }

  /** Whether a folder with these names is there only for mount points in it: then the container did not change it. */
  isAllOf(folder: Buffer, names: readonly Buffer[]): boolean {
    return names.length > 0 && names.every((name) => this.hides(joinPath(folder, name)));
  }
}
