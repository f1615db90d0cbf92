import { internal, invalidArgument } from "@pouchcontainer/errors";
import { idPrefixOf, InvalidReferenceError, parseReference } from "@pouchcontainer/oci";
import type { ImageService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ImageDeps } from "./image-deps.ts";
import { ProgressDeadline } from "./progress-deadline.ts";
import { pullAuth } from "./pull-auth.ts";

const defaultTimeoutMs = 5 * 60_000;

/** Pulls one image, `latest` where neither tag nor digest is named, and answers its id. A pull that stands still is given up. */
export function pullImage(deps: ImageDeps): Handler<typeof ImageService.method.pullImage> {
  return async ({ image: spec, auth: given }, { signal }) => {
    const reference = spec?.image ?? "";
    const { domain, isComplete } = namedBy(reference);
    const auth = given && pullAuth(given, domain);
    using deadline = new ProgressDeadline(reference, deps.pullProgressTimeoutMs ?? defaultTimeoutMs);
    try {
      await deps.images.pull(
        { reference, ...(!isComplete && { tag: "latest" }), ...(auth && { auth }) },
        (line) => deadline.tell(line),
        AbortSignal.any([signal, deadline.signal]),
      );
    } catch (error) {
      // The engine knows only that it was cancelled.
      if (!signal.aborted) deadline.signal.throwIfAborted();
      throw error;
    }
    const image = deps.images.view(reference);
    if (image === undefined)
      throw internal(
        `the image ${reference} is not there after its pull: it was removed meanwhile, or plugins at image.prePull had another one pulled in its place`,
      );
    return { imageRef: image.id };
  };
}

function namedBy(text: string): { domain: string; isComplete: boolean } {
  if (text === "") throw invalidArgument("pull image: the request names no image");
  if (idPrefixOf(text)?.length === 64) throw invalidArgument(`pull image: ${text} is an id; name the image by its repository`);
  try {
    const { domain, tag, digest } = parseReference(text);
    return { domain, isComplete: tag !== undefined || digest !== undefined };
  } catch (error) {
    if (error instanceof InvalidReferenceError)
      throw invalidArgument(`${JSON.stringify(text)}: ${error.message}`, { cause: error });
    throw error;
  }
}
