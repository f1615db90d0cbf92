import { isKind } from "@pouchcontainer/errors";
import type { ContainerDeps } from "./container-deps.ts";
import type { ContainerRecord } from "./container-record.ts";
import { layersOf } from "./rootfs.ts";

type Deps = Pick<ContainerDeps, "containerd" | "files">;

export interface SnapshotSizes {
  rw: number;
  rootFs: number;
}

/**
 * Bytes each container wrote, and those together with its image's layers, in the order of the records; none of one that is gone.
 * File workers count what containers wrote, as dockerd counts it: the containers change it meanwhile, and containerd, which would
 * count as well, follows paths that they may turn into others.
 */
export async function snapshotSizes(deps: Deps, records: readonly ContainerRecord[]): Promise<SnapshotSizes[]> {
  const written = await writtenBytes(deps, records);
  const images = new Map<string, Promise<number>>();
  return await Promise.all(
    records.map(async (record, index) => {
      const rw = written[index] ?? 0;
      const key = `${record.snapshotter} ${record.image.chainId}`;
      const image = images.get(key) ?? imageSize(deps, record);
      images.set(key, image);
      return { rw, rootFs: rw + (await image) };
    }),
  );
}

/** The first of the two alone. */
export async function writtenBytes(deps: Deps, records: readonly ContainerRecord[]): Promise<number[]> {
  const places = await Promise.all(records.map((record) => ownLayer(deps, record)));
  const folders = places.filter((place) => place !== undefined);
  const counted = new Map<string, number>();
  if (folders.length > 0)
    for (const [index, size] of (await deps.files.sizesOf(folders)).entries()) counted.set(folders[index] ?? "", size);
  return places.map((place) => counted.get(place ?? "") ?? 0);
}

/** Folder of what the container wrote; undefined where its snapshotter has no such thing, or the container is gone. */
async function ownLayer({ containerd }: Deps, { id, snapshotter }: ContainerRecord): Promise<string | undefined> {
  try {
    return layersOf(await containerd.snapshots(snapshotter).mounts(id))?.[0];
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

async function imageSize({ containerd }: Deps, { snapshotter, image }: ContainerRecord): Promise<number> {
  const snapshots = containerd.snapshots(snapshotter);
  let size = 0;
  for (let name = image.chainId; name !== "";) {
    size += (await snapshots.usage(name)).sizeBytes;
    name = (await snapshots.stat(name)).parent;
  }
  return size;
}
