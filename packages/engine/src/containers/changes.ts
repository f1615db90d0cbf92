import type * as api from "@pouchcontainer/api";
import { notImplemented } from "@pouchcontainer/errors";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import { layersOf } from "./rootfs.ts";
import { rootfsReader, type RootfsReader } from "./spec/index.ts";

/** Mounted into every container: the runtime makes the places for them. */
const madeByRuntime = ["/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

const kinds = { modified: 0, added: 1, deleted: 2 } as const;

/** What the container's own layer changes of its image, from the overlay's upper directory. */
export async function filesystemChanges({ deps }: ContainerRoom, container: Container): Promise<api.FilesystemChange[]> {
  const { record } = container;
  const mounts = await deps.containerd.snapshots(record.snapshotter).mounts(container.id);
  const layers = layersOf(mounts);
  const [upper, ...lower] = layers ?? [];
  if (upper === undefined) throw notImplemented(`changes cannot be told with snapshotter ${record.snapshotter}`);
  const mountedOver = new Set([...madeByRuntime, ...record.mountPoints.map(({ destination }) => destination)]);
  return [...walk(upper, "", rootfsReader(lower, deps.isOpaqueDirectory), mountedOver)].sort((one, other) =>
    one.Path < other.Path ? -1 : 1,
  );
}

function* walk(
  upper: string,
  folder: string,
  image: RootfsReader,
  mountedOver: ReadonlySet<string>,
): Generator<api.FilesystemChange> {
  for (const name of readdirSync(join(upper, folder))) {
    const path = `${folder}/${name}`;
    // Mount points are made by the runtime, not by the container.
    if (mountedOver.has(path)) continue;
    const stats = lstatSync(join(upper, path));
    if (stats.isCharacterDevice() && stats.rdev === 0) {
      yield { Path: path, Kind: kinds.deleted };
      continue;
    }
    const names = stats.isDirectory() ? readdirSync(join(upper, path)) : [];
    // A folder that is there only for mount points in it was not changed by the container.
    const forMountsOnly = names.length > 0 && names.every((child) => mountedOver.has(`${path}/${child}`));
    if (!forMountsOnly) yield { Path: path, Kind: image.resolve(path) === undefined ? kinds.added : kinds.modified };
    if (names.length > 0) yield* walk(upper, path, image, mountedOver);
  }
}
