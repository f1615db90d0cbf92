import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ImageFilter, ImageSchema, ImageService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { criImage } from "./cri-image.ts";
import type { ImageDeps } from "./image-deps.ts";

/** All images, or the one that the filter names. */
export function listImages(deps: ImageDeps): Handler<typeof ImageService.method.listImages> {
  return async ({ filter }) => ({ images: selectedImages(deps, filter) });
}

/** Nothing is no filter, as an empty name is; a name that nothing has selects nothing. */
export function selectedImages(
  { images, isPinned }: ImageDeps,
  filter: ImageFilter | undefined,
): MessageInitShape<typeof ImageSchema>[] {
  const wanted = filter?.image?.image ?? "";
  const selected = wanted === "" ? images.views() : [images.view(wanted)].filter((image) => image !== undefined);
  return selected.map((image) => criImage(image, isPinned(image)));
}
