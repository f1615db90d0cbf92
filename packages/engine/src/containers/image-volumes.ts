import type { Mount } from "@pouchcontainer/containerd";
import { invalidArgument } from "@pouchcontainer/errors";
import { makeFolders, runProgram } from "@pouchcontainer/owners";
import { closeSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { rfc3339 } from "./clock.ts";
import type { Container } from "./container.ts";
import { gcRootLabel, type ContainerDeps } from "./container-deps.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ImageVolume, RecordedImageVolume } from "./cri-settings.ts";
import { unmount } from "./rootfs.ts";
import { rootfsReader } from "./spec/index.ts";

/** Label on a container's views of images, with its id: they are no container's files. */
const imageVolumeLabel = "io.pouchcontainer.image-volume";

const viewKey = (containerId: string, index: number): string => `${containerId}-image-${index}`;

/** Looks up the images of a container's volumes and has them ready to be viewed. */
export async function resolveImageVolumes(
  { images }: Pick<ContainerDeps, "images">,
  volumes: readonly ImageVolume[],
  snapshotter: string,
): Promise<RecordedImageVolume[]> {
  const resolved: RecordedImageVolume[] = [];
  for (const volume of volumes) {
    const image = await images.resolve(volume.image);
    await images.ensureUnpacked(image, snapshotter);
    resolved.push({ ...volume, imageId: image.id, chainId: image.chainId });
  }
  return resolved;
}

/** Makes the views, which hold the images' files as long as the container is there. */
export async function viewImages(deps: Pick<ContainerDeps, "containerd" | "clock">, record: ContainerRecord): Promise<void> {
  const snapshots = deps.containerd.snapshots(record.snapshotter);
  for (const [index, { chainId }] of (record.cri?.imageVolumes ?? []).entries()) {
    const labels = { [imageVolumeLabel]: record.id, [gcRootLabel]: rfc3339(deps.clock.now()) };
    await snapshots.view(viewKey(record.id, index), chainId, labels);
  }
}

export async function removeImageViews(
  { containerd }: Pick<ContainerDeps, "containerd">,
  record: ContainerRecord,
): Promise<void> {
  const snapshots = containerd.snapshots(record.snapshotter);
  for (const index of (record.cri?.imageVolumes ?? []).keys()) await snapshots.remove(viewKey(record.id, index));
}

/** Removes views whose container is not there any more, or never came to be. */
export async function clearStrayImageViews(
  { containerd }: Pick<ContainerDeps, "containerd">,
  snapshotter: string,
  isKnown: (containerId: string) => boolean,
): Promise<void> {
  const snapshots = containerd.snapshots(snapshotter);
  for (const { name, labels } of await snapshots.list([`labels.${JSON.stringify(imageVolumeLabel)}`]))
    if (!isKnown(labels[imageVolumeLabel] ?? "")) await snapshots.remove(name);
}

/** Where each image's files are, by their destination in the container, for as long as the runtime needs to mount them from there. */
export interface ImagePlaces extends AsyncDisposable {
  places: ReadonlyMap<string, string>;
}

export async function mountImageVolumes(
  { containerd }: Pick<ContainerDeps, "containerd">,
  container: Container,
): Promise<ImagePlaces> {
  const { record, execDirectory } = container;
  const places = new Map<string, string>();
  const mounted: string[] = [];
  const unmountAll = async (): Promise<void> => {
    for (const place of mounted.toReversed()) await unmount(place);
  };
  const mount = async (place: string, args: string[]): Promise<void> => {
    await makeFolders(place, 0o710);
    await runProgram("mount", [...args, place]);
    mounted.push(place);
  };
  try {
    for (const [index, { destination, image, subPath }] of (record.cri?.imageVolumes ?? []).entries()) {
      const [view] = await containerd.snapshots(record.snapshotter).mounts(viewKey(record.id, index));
      if (!view) throw invalidArgument(`image ${image} cannot be mounted`);
      const root = join(execDirectory, `image-${index}`);
      await mount(root, mountArguments(view));
      places.set(destination, root);
      if (!subPath) continue;
      const folder = rootfsReader(root).open(subPath);
      if (folder === undefined) throw invalidArgument(`no such file or directory in image ${image}: ${subPath}`);
      try {
        if (!fstatSync(folder).isDirectory()) throw invalidArgument(`not a directory in image ${image}: ${subPath}`);
        const place = join(execDirectory, `image-${index}-part`);
        // The path is not to be resolved by the program: it is a name of the descriptor, not of a file.
        await mount(place, ["--no-canonicalize", "--bind", `/proc/${process.pid}/fd/${folder}`]);
        places.set(destination, place);
      } finally {
        closeSync(folder);
      }
    }
  } catch (error) {
    await unmountAll();
    throw error;
  }
  return { places, [Symbol.asyncDispose]: unmountAll };
}

function mountArguments({ type, source, options }: Mount): string[] {
  if (type === "bind") return ["--bind", source];
  return ["-t", type, "-o", [...options, "ro"].join(","), source];
}
