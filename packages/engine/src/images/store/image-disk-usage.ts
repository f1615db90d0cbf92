import type { ImageSummary } from "@pouchcontainer/api";
import { listImages, type ListDeps } from "./list-images.ts";
import type { RemoveDeps } from "./remove-image.ts";

export interface ImageDiskUsage {
  /** Bytes of all layers, each counted once. */
  layersSize: number;
  images: ImageSummary[];
}

/** What images take, with what they share and how many containers use them. */
export async function diskUsageOf(deps: ListDeps & Pick<RemoveDeps, "usedBy">): Promise<ImageDiskUsage> {
  const layers = new Map<string, number>();
  for (const image of deps.store.images()) {
    for (const { chainId, bytes } of await deps.sizes.layersOf(image)) layers.set(chainId, bytes);
  }
  const images = await listImages(deps, { sharedSize: true, filters: {} });
  return {
    layersSize: layers.values().reduce((sum, bytes) => sum + bytes, 0),
    images: images.map((image) => ({ ...image, Containers: [...deps.usedBy(image.Id)].length })),
  };
}
