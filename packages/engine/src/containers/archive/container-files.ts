import { notFound } from "@pouchcontainer/errors";
import { posix } from "node:path";
import type { Container } from "../container.ts";
import type { ContainerRoom } from "../container-room.ts";
import { withMountedSnapshot } from "../rootfs.ts";
import { rootfsReader } from "../spec/index.ts";

/** A container's files as a process inside sees them, by their paths on the host. */
export interface ContainerFiles {
  /** Where `path` is, links followed below the container's root; undefined when it does not exist. */
  resolve(path: string): string | undefined;
  /** The same, but a link at the end is not followed. */
  resolveParent(path: string): { host: string; name: string } | undefined;
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
  const resolve = (path: string): string | undefined => {
    const clean = posix.join("/", path);
    // A stopped container's volumes and binds are not mounted anywhere: their sources stand in for them.
    const mount = volumesApart ? mountOf(clean) : undefined;
    if (mount && mount.source !== "") return rootfsReader(mount.source).resolve(clean.slice(mount.destination.length));
    return rootfsReader(root).resolve(clean);
  };
  return {
    resolve,
    resolveParent(path) {
      const clean = posix.join("/", path).replace(/(.)\/$/, "$1");
      const name = posix.basename(clean);
      if (volumesApart && mounts.some(({ destination }) => destination === clean)) {
        const source = resolve(clean);
        return source === undefined ? undefined : { host: posix.dirname(source), name: posix.basename(source) };
      }
      const host = resolve(posix.dirname(clean));
      return host === undefined ? undefined : { host, name: name === "" ? "." : name };
    },
    isWritable(path) {
      const clean = posix.join("/", path);
      const mount = mountOf(clean);
      return mount ? mount.rw : !container.record.hostConfig.ReadonlyRootfs;
    },
  };
}

export function noSuchPath(container: Container, path: string): Error {
  return notFound(`Could not find the file ${path} in container ${container.record.name}`);
}
