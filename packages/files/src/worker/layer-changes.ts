import type { Libc } from "@pouchcontainer/linux";
import type { Change } from "../file-jobs.ts";
import { FileAttributes } from "./file-attributes.ts";
import { JobFailure } from "./job-failure.ts";
import { joinPath } from "./paths.ts";
import { isOpaque, isWhiteout, lower, lstatIn, MountedOver, namesIn, pathIn, upper } from "./upper-layer.ts";

const kinds = { modified: 0, added: 1, deleted: 2 } as const;

/** How much the changes may be: they are held at once, to be put in order, and a container decides how many there are. */
const maxChanges = 1_000_000;
const maxPathBytes = 128 << 20;

/** What an overlay's upper layer changes of the layers below, in the order of the names' bytes; `mountedOver` is nobody's change. */
export function layerChanges(libc: Libc, mountedOver: readonly string[]): Change[] {
  const mounts = new MountedOver(mountedOver, new FileAttributes(libc));
  const changes: Change[] = [];
  let pathBytes = 0;
  const add = (path: Buffer, kind: Change["Kind"]): void => {
    pathBytes += path.length;
    if (changes.length === maxChanges || pathBytes > maxPathBytes) throw tooManyChanges(changes.length);
    changes.push({ Path: path.toString(), Kind: kind });
  };
  const walk = (folder: Buffer, inLower: boolean): void => {
    for (const name of namesIn(upper, folder)) {
      const path = joinPath(folder, name);
      if (mounts.hides(path)) continue;
      const stats = lstatIn(upper, path);
      if (stats === undefined) continue;
      const below = inLower ? lstatIn(lower, path) : undefined;
      if (isWhiteout(stats)) {
        add(path, kinds.deleted);
        continue;
      }
      const children = stats.isDirectory() ? namesIn(upper, path) : [];
      if (!mounts.isAllOf(path, children)) add(path, below === undefined ? kinds.added : kinds.modified);
      if (stats.isDirectory()) walk(path, below?.isDirectory() === true && !isOpaque(libc, pathIn(upper, path)));
    }
  };
  walk(Buffer.from("/"), true);
  return changes.sort((one, other) => (one.Path < other.Path ? -1 : 1));
}

const tooManyChanges = (count: number): JobFailure =>
  new JobFailure(
    "resourceExhausted",
    `the container changed more of its files than is listed: after ${count} changes there are more, and at most ${maxChanges} are listed, with ${maxPathBytes} bytes of paths; export the container to see its files`,
  );
