import { notFound } from "@pouchcontainer/errors";
import { familiarReference, familiarRepository, formatPlatform, formatReference, repositoryOf } from "@pouchcontainer/oci";
import { pushErrorOf } from "../../registry/registry-error.ts";
import type { ProgressSink } from "../../registry/progress.ts";
import { packedBytesOf } from "../store/image-documents.ts";
import { isTagged } from "../store/image-store.ts";
import { pushImage, type NamedImage } from "./push-image.ts";
import type { PushDeps, PushRequest } from "./push-request.ts";

/** Pushes what the reference names: one tag, or, without one, each tag of the repository that is here, one after the other. */
export async function pushNamed(
  deps: PushDeps,
  request: PushRequest,
  progress: ProgressSink,
  signal: AbortSignal,
): Promise<void> {
  const { reference } = request;
  progress({ status: `The push refers to repository [${repositoryOf(reference)}]` });
  const images = imagesOf(deps, request);
  for (const image of images) await askPlugins(deps, image, signal);
  try {
    const connection = await deps.connect(request);
    try {
      const { uploader } = connection;
      for (const image of images) await pushImage({ deps, uploader, request, progress, signal }, image);
    } finally {
      connection.close();
    }
  } catch (error) {
    throw pushErrorOf(error, signal);
  }
  deps.events.publishTransfer("push", reference, reference.tag === undefined ? undefined : images[0]?.image);
}

async function askPlugins({ chains, naming }: PushDeps, { name }: NamedImage, signal: AbortSignal): Promise<void> {
  const { documents, target } = name;
  const { config } = documents.config;
  const pushed = {
    reference: familiarReference(name.reference, naming),
    digest: target.digest,
    platform: formatPlatform(documents.config),
    sizeBytes: packedBytesOf(documents.manifest),
    config: documents.config,
  };
  const about = { image: pushed.reference, labels: config?.Labels ?? {}, env: config?.Env ?? [], signal };
  await chains.ask("image.prePush", () => ({ pushed }), about);
}

function imagesOf({ store, naming }: PushDeps, { reference }: PushRequest): NamedImage[] {
  const repository = repositoryOf(reference);
  const all = [...store.images()].flatMap((image) =>
    image.names
      .filter((name) => isTagged(name) && repositoryOf(name.reference) === repository)
      .map((name): NamedImage => ({ image, name })),
  );
  if (all.length === 0) throw notFound(`An image does not exist locally with the tag: ${familiarRepository(reference, naming)}`);
  if (reference.tag === undefined) return all.sort((a, b) => (a.name.name < b.name.name ? -1 : 1));
  const wanted = formatReference(reference);
  const named = all.filter(({ name }) => name.name === wanted);
  if (named.length === 0) throw notFound(`tag does not exist: ${familiarReference(reference, naming)}`);
  return named;
}
