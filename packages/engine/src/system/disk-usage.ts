import type { DiskUsage } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { SystemDeps } from "./system-deps.ts";

const known = ["container", "image", "volume", "build-cache"];

/** What everything takes of the disk; `types` narrows it, none asks for all. */
export async function diskUsage(
  types: readonly string[],
  deps: Pick<SystemDeps, "containers" | "images" | "volumes">,
): Promise<DiskUsage> {
  const unknown = types.find((type) => !known.includes(type));
  if (unknown !== undefined) throw invalidArgument(`unknown object type: ${unknown}`);
  const wants = (type: string): boolean => types.length === 0 || types.includes(type);

  const [images, containers, volumes] = await Promise.all([
    wants("image") ? deps.images.diskUsage() : undefined,
    wants("container") ? deps.containers.withSizes() : undefined,
    wants("volume") ? deps.volumes.usage() : undefined,
  ]);
  return {
    ...(images === undefined ? {} : { LayersSize: images.layersSize, Images: images.images }),
    ...(containers === undefined ? {} : { Containers: containers }),
    ...(volumes === undefined ? {} : { Volumes: volumes }),
    // There is no builder here, and so nothing in its cache.
    ...(wants("build-cache") ? { BuildCache: [] } : {}),
  };
}
