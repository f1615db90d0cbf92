import type { ContainerDeps } from "./container-deps.ts";
import type { ContainerRecord } from "./container-record.ts";

/** Bytes the container wrote, and those together with its image's layers. */
export async function snapshotSizes(
  { containerd }: Pick<ContainerDeps, "containerd">,
  record: ContainerRecord,
): Promise<{ rw: number; rootFs: number }> {
  const snapshots = containerd.snapshots(record.snapshotter);
  const { sizeBytes: rw } = await snapshots.usage(record.id);
  let rootFs = rw;
  for (let name = record.image.chainId; name !== "";) {
    rootFs += (await snapshots.usage(name)).sizeBytes;
    name = (await snapshots.stat(name)).parent;
  }
  return { rw, rootFs };
}
