import type { ImageHandlers } from "../wire/handlers.ts";
import type { ImageDeps } from "./image-deps.ts";
import { imageFsInfo } from "./image-fs-info.ts";
import { imageStatus } from "./image-status.ts";
import { listImages } from "./list-images.ts";
import { pullImage } from "./pull-image.ts";
import { removeImage } from "./remove-image.ts";
import { streamImages } from "./stream-images.ts";

/** Every RPC of ImageService, over the images that the engine has. */
export function imageCalls(deps: ImageDeps): Required<ImageHandlers> {
  return {
    listImages: listImages(deps),
    streamImages: streamImages(deps),
    imageStatus: imageStatus(deps),
    pullImage: pullImage(deps),
    removeImage: removeImage(deps),
    imageFsInfo: imageFsInfo(deps),
  };
}
