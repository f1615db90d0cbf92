import type { ImageService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ImageDeps } from "./image-deps.ts";
import { selectedImages } from "./list-images.ts";

/** Images in one message: some hundred bytes each, so that no message comes near the limit. */
const imagesPerMessage = 100;

/** The list in parts, for those whose list is longer than a message may be. */
export function streamImages(deps: ImageDeps): Handler<typeof ImageService.method.streamImages> {
  return async function* ({ filter }, { signal }) {
    const images = selectedImages(deps, filter);
    for (let start = 0; start < images.length; start += imagesPerMessage) {
      signal.throwIfAborted();
      yield { images: images.slice(start, start + imagesPerMessage) };
    }
  };
}
