import type { ImageSummary } from "@pouchcontainer/api";
import type { NamingDefaults } from "@pouchcontainer/oci";
import { booleanFilter } from "../../boolean-filter.ts";
import { checkFilterKeys, createdSeconds, matchesLabels, matchesReference, untilSeconds, type Filters } from "./image-filters.ts";
import type { ImageSizes } from "./image-sizes.ts";
import { digestsOf, isTagged, tagsOf, type ImageStore, type StoredImage } from "./image-store.ts";

export interface ListDeps {
  store: ImageStore;
  sizes: ImageSizes;
  naming: NamingDefaults;
  now: () => number;
}

const filterKeys = ["dangling", "label", "label!", "reference", "before", "since", "until"];

/** Newest first. An image nobody names is listed with empty `RepoTags`. */
export async function listImages(deps: ListDeps, options: { sharedSize: boolean; filters: Filters }): Promise<ImageSummary[]> {
  const { filters } = options;
  checkFilterKeys(filters, filterKeys);
  const selected = selectImages(deps, filters);
  const shared = options.sharedSize ? await deps.sizes.sharedOf([...deps.store.images()]) : undefined;
  const summaries = await Promise.all(
    selected.map((image) => summaryOf(deps, image, filters["reference"], shared?.get(image.id) ?? -1)),
  );
  return summaries.sort((a, b) => b.Created - a.Created);
}

function selectImages({ store, naming, now }: ListDeps, filters: Filters): StoredImage[] {
  const dangling = booleanFilter(filters, "dangling");
  const before = (filters["before"] ?? []).map((ref) => createdSeconds(store.require(ref).config.created));
  const since = (filters["since"] ?? []).map((ref) => createdSeconds(store.require(ref).config.created));
  const until = (filters["until"] ?? []).map((text) => untilSeconds(text, now()));
  const patterns = filters["reference"] ?? [];
  return [...store.images()].filter((image) => {
    const created = createdSeconds(image.config.created);
    if (before.some((time) => created >= time) || since.some((time) => created <= time) || until.some((time) => created >= time))
      return false;
    if (dangling !== undefined && image.names.some(isTagged) === dangling) return false;
    if (patterns.length > 0 && !image.names.some(({ reference }) => matchesReference(reference, patterns, naming))) return false;
    return matchesLabels(image, filters);
  });
}

async function summaryOf(
  { sizes, naming }: ListDeps,
  image: StoredImage,
  patterns: string[] | undefined,
  sharedSize: number,
): Promise<ImageSummary> {
  const isShown = ({ reference }: StoredImage["names"][number]): boolean =>
    patterns === undefined || patterns.length === 0 || matchesReference(reference, patterns, naming);
  const shown = { ...image, names: image.names.filter(isShown) };
  return {
    Id: image.id,
    ParentId: "",
    RepoTags: tagsOf(shown, naming),
    RepoDigests: digestsOf(shown, naming),
    Created: createdSeconds(image.config.created),
    Size: await sizes.totalOf(image),
    SharedSize: sharedSize,
    Labels: image.config.config?.Labels ?? null,
    Containers: -1,
  };
}
