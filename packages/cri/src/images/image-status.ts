import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { criImage } from "./cri-image.ts";
import type { ImageDeps } from "./image-deps.ts";

/** One image; an answer without it when it is not here. `verbose` adds what containerd adds, under the same names. */
export function imageStatus({ images, isPinned }: ImageDeps): Handler<typeof ImageService.method.imageStatus> {
  return async ({ image: spec, verbose }) => {
    const reference = spec?.image ?? "";
    if (reference === "") throw invalidArgument("image status: the request names no image");
    const image = images.view(reference);
    if (image === undefined) return {};
    return {
      image: {
        ...criImage(image, isPinned(image)),
        spec: { image: image.id, annotations: spec?.annotations ?? {}, runtimeHandler: spec?.runtimeHandler ?? "" },
      },
      ...(verbose && { info: { info: JSON.stringify({ chainID: image.chainId, imageSpec: image.config }) } }),
    };
  };
}
