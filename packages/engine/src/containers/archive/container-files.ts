import { notFound } from "@pouchcontainer/errors";
import { closeSync, constants, openSync } from "node:fs";
import { posix, relative } from "node:path";
import type { Container } from "../container.ts";
import type { ContainerRoom } from "../container-room.ts";
import { withMountedSnapshot } from "../rootfs.ts";
import { rootfsReader } from "../spec/index.ts";

/** Where a path of a container is to be looked up: below `root`, which links never leave, at `inside`. */
export interface Anchor {
  root: string;
  inside: string;
}

/** A container's files as a process inside sees them. */
export interface ContainerFiles {
  anchor(path: string): Anchor;
  /** Whether writing there is allowed by the mounts. */
  isWritable(path: string): boolean;
}

/** Gives access to the files while `use` works: through the process of a running container, through a mount of its own otherwise. */
export async function withContainerFiles<T>(
  room: ContainerRoom,
  container: Container,
  use: (files: ContainerFiles) => Promise<T>,
): Promise<T> {
  if (container.isRunning) return use(filesBelow(`/proc/${container.state.pid}/root`, container, false));
  return withMountedSnapshot(room.deps, container, (root) => use(filesBelow(root, container, true)));
}

function filesBelow(root: string, container: Container, volumesApart: boolean): ContainerFiles {
  const mounts = [...container.record.mountPoints].sort((a, b) => b.destination.length - a.destination.length);
  const mountOf = (path: string): (typeof mounts)[number] | undefined =>
    mounts.find(({ destination }) => path === destination || path.startsWith(`${destination}/`));
  return {
    anchor(path) {
      const clean = posix.join("/", path);
      // A stopped container's volumes and binds are not mounted anywhere: their sources stand in for them.
      const mount = volumesApart ? mountOf(clean) : undefined;
      return mount && mount.source !== ""
        ? { root: mount.source, inside: posix.join("/", clean.slice(mount.destination.length)) }
        : { root, inside: clean };
    },
    isWritable(path) {
      const mount = mountOf(posix.join("/", path));
      return mount ? mount.rw : !container.record.hostConfig.ReadonlyRootfs;
    },
  };
}

/**
 * A folder of a container held open while `use` works. Links are resolved below the root first; then the way is walked one
 * name at a time without following any, so that a container that swaps a folder for a link meanwhile gets an error, never
 * the daemon's hand outside. `path` reaches the folder through the descriptor, from child processes too.
 */
export async function withDirectory<T>({ root, inside }: Anchor, use: (path: string) => Promise<T> | T): Promise<T | undefined> {
  const host = rootfsReader(root).resolve(inside);
  if (host === undefined) return undefined;
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  let fd = openSync(root, flags);
  try {
    for (const name of relative(root, host).split("/").filter(Boolean)) {
      const next = openSync(descriptorPath(fd, name), flags | constants.O_NOFOLLOW);
      closeSync(fd);
      fd = next;
    }
    return await use(descriptorPath(fd));
  } finally {
    closeSync(fd);
  }
}

const descriptorPath = (fd: number, name?: string): string =>
  `/proc/${process.pid}/fd/${fd}${name === undefined ? "" : `/${name}`}`;

export function noSuchPath(container: Container, path: string): Error {
  return notFound(`Could not find the file ${path} in container ${container.record.name}`);
}
