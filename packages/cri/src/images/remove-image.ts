import { invalidArgument, isKind } from "@pouchcontainer/errors";
import type { ImageService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ImageDeps } from "./image-deps.ts";

/**
 * Removes the image behind a name, digest or id with all its names. One that is not here is removed already. One that a running
 * container uses stays, with all its names: FailedPrecondition.
 */
export function removeImage({ images }: ImageDeps): Handler<typeof ImageService.method.removeImage> {
  return async ({ image: spec }) => {
    const reference = spec?.image ?? "";
    if (reference === "") throw invalidArgument("remove image: the request names no image");
    const image = images.view(reference);
    if (image === undefined) return {};
    try {
      await images.remove(image.id, { force: true, noPrune: false });
    } catch (error) {
      // Somebody else was faster.
      if (!isKind(error, "notFound")) throw error;
    }
    return {};
  };
}
