import type { ImageDeleteItem, ImagePruneResponse } from "@pouchcontainer/api";
import { isKind } from "@pouchcontainer/errors";
import { booleanFilter } from "../../boolean-filter.ts";
import { checkFilterKeys, createdSeconds, matchesLabels, untilSeconds, type Filters } from "./image-filters.ts";
import { isTagged, type StoredImage } from "./image-store.ts";
import { removeHeld, type RemoveDeps } from "./remove-image.ts";

const filterKeys = ["dangling", "label", "label!", "until"];

/** Removes images no container uses: those without a tag, with `dangling=false` all. */
export async function pruneImages(deps: RemoveDeps & { now: () => number }, filters: Filters): Promise<ImagePruneResponse> {
  checkFilterKeys(filters, filterKeys);
  const danglingOnly = booleanFilter(filters, "dangling") ?? true;
  const until = (filters["until"] ?? []).map((text) => untilSeconds(text, deps.now()));
  const isWanted = (image: StoredImage): boolean =>
    !(danglingOnly && image.names.some(isTagged)) &&
    !until.some((time) => createdSeconds(image.config.created) >= time) &&
    matchesLabels(image, filters) &&
    [...deps.usedBy(image.id)].length === 0;

  const deleted: ImageDeleteItem[] = [];
  let reclaimed = 0;
  for (const image of [...deps.store.images()].filter(isWanted)) {
    const bytes = new Map((await deps.sizes.layersOf(image)).map((layer) => [layer.chainId, layer.bytes]));
    const items = await deps.removals.run(image.id, async () =>
      // It may have been removed, tagged or used since the selection.
      deps.store.get(image.id) === image && isWanted(image) ? await removeUnused(deps, image) : [],
    );
    deleted.push(...items);
    reclaimed += items.reduce((sum, item) => sum + (bytes.get(item.Deleted ?? "") ?? 0), 0);
  }
  deps.events.publishPrune(reclaimed);
  return { ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
}

/** A container may be made from it, or a pull name it, meanwhile: then it stays. */
async function removeUnused(deps: RemoveDeps, image: StoredImage): Promise<ImageDeleteItem[]> {
  const items: ImageDeleteItem[] = [];
  const names = [...image.names];
  try {
    for (const { name } of names) {
      // The last tag of a repository takes its digests along.
      if (deps.store.byName(name) === image) items.push(...(await removeHeld(deps, image, name, { force: false })));
    }
    if (deps.store.get(image.id) === image && image.names.length === 0)
      items.push(...(await removeHeld(deps, image, image.id, { force: false })));
  } catch (error) {
    if (!isKind(error, "conflict")) throw error;
  }
  return items;
}
