import type { ImageHistoryItem, ImageInspect } from "@pouchcontainer/api";
import type { NamingDefaults } from "@pouchcontainer/oci";
import { createdSeconds } from "./image-filters.ts";
import type { ImageSizes } from "./image-sizes.ts";
import { digestsOf, tagsOf, type StoredImage } from "./image-store.ts";

export interface InspectDeps {
  sizes: ImageSizes;
  naming: NamingDefaults;
  snapshotter: string;
}

/** Go's zero time: "never tagged". */
const zeroTime = "0001-01-01T00:00:00Z";

export async function inspectImage({ sizes, naming, snapshotter }: InspectDeps, image: StoredImage): Promise<ImageInspect> {
  const { config } = image;
  const lastTagged = Math.max(0, ...image.names.map(({ taggedAt }) => taggedAt));
  return {
    Id: image.id,
    RepoTags: tagsOf(image, naming),
    RepoDigests: digestsOf(image, naming),
    Parent: "",
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? "",
    ...(config.created && { Created: config.created }),
    DockerVersion: config.docker_version ?? "",
    Author: config.author ?? "",
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    Os: config.os,
    ...(config["os.version"] && { OsVersion: config["os.version"] }),
    Size: await sizes.totalOf(image),
    GraphDriver: { Name: snapshotter, Data: null },
    RootFS: { Type: "layers", ...(config.rootfs.diff_ids.length > 0 && { Layers: config.rootfs.diff_ids }) },
    Metadata: { LastTagTime: lastTagged === 0 ? zeroTime : new Date(lastTagged).toISOString() },
  };
}

/** Newest step first; only it has the image's id, the others were images on the machine that built it. */
export async function imageHistory({ sizes, naming }: InspectDeps, image: StoredImage): Promise<ImageHistoryItem[]> {
  const layers = (await sizes.layersOf(image)).values();
  const steps = (image.config.history ?? []).map((step) => ({
    Id: "<missing>",
    Created: createdSeconds(step.created),
    CreatedBy: step.created_by ?? "",
    Tags: null as string[] | null,
    Size: step.empty_layer === true ? 0 : (layers.next().value?.bytes ?? 0),
    Comment: step.comment ?? "",
  }));
  const top = steps.at(-1);
  if (top !== undefined) {
    const tags = tagsOf(image, naming);
    top.Id = image.id;
    top.Tags = tags.length === 0 ? null : tags;
  }
  return steps.toReversed();
}
