import type { ImageInspect, ImageSummary } from "@pouchcontainer/api";
import { isBelow } from "./api-version.ts";

/** An image of a list as clients of that version know it: before 1.43 one without any name is called `<none>`, and no names are null. */
export function summaryForVersion(image: ImageSummary, version: string): object {
  if (!isBelow(version, "1.43")) return withVirtualSize(image, version);
  const { RepoTags, RepoDigests } = image;
  const isNameless = RepoTags.length === 0 && RepoDigests.length === 0;
  const names = isNameless
    ? { RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] }
    : { RepoTags: nullIfEmpty(RepoTags), RepoDigests: nullIfEmpty(RepoDigests) };
  return { ...withVirtualSize(image, version), ...names };
}

/** Before 1.44 there was a second name for the size. */
export function withVirtualSize<T extends ImageSummary | ImageInspect>(image: T, version: string): T {
  return isBelow(version, "1.44") ? { ...image, VirtualSize: image.Size } : image;
}

function nullIfEmpty(names: string[]): string[] | null {
  return names.length === 0 ? null : names;
}
