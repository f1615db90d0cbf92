import type { JsonMessage } from "@pouchcontainer/api";
import { notFound } from "@pouchcontainer/errors";
import { familiarReference, formatPlatform, isIndexType, isNondistributable, type Digest } from "@pouchcontainer/oci";
import { readDocument, readImageDocuments, type ImageDocuments } from "../store/image-documents.ts";
import type { ImageName, StoredImage } from "../store/image-store.ts";
import type { Lease } from "../lease.ts";
import { noteRepository } from "./known-repositories.ts";
import { pushBlob, pushLayers, type PushContext } from "./push-blobs.ts";
import type { PushDeps, PushRequest } from "./push-request.ts";
import { contentOfIndex, contentOfManifest, type PushedContent } from "./pushed-content.ts";

/** A tag that is here, and what it stands for. */
export interface NamedImage {
  image: StoredImage;
  name: ImageName;
}

type TagContext = Omit<PushContext, "reference" | "names"> & { request: PushRequest };

/** Pushes one tag: layers, configs, manifests, and last what the tag stands for. A registry that refuses is left without the tag. */
export async function pushImage(context: TagContext, { image, name }: NamedImage): Promise<void> {
  const { deps, request, progress } = context;
  const lease = await deps.leases.take("push");
  try {
    await lease.holdContent(name.target.digest);
    const documents = await documentsOf(deps, name, request);
    await lease.holdContent(documents.manifestDescriptor.digest);
    const { content, insteadOf } = await contentOf(context, name, documents);
    const { reference } = name;
    await uploadContent({ ...context, reference, names: image.names }, content, lease);
    const size = await putDocuments(context, content, reference.tag ?? "");
    const sent = content.layers.filter(({ mediaType }) => !isNondistributable(mediaType));
    await noteRepository(deps.containerd.content, [...sent, ...content.configs], reference);
    await nameDigest(deps, { image, name }, content, documents);
    if (insteadOf !== undefined)
      progress(aux({ manifestPushedInsteadOfIndex: true, originalIndex: insteadOf, selectedManifest: content.target }));
    const { digest } = content.target;
    progress({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
    progress(aux({ Tag: reference.tag, Digest: digest, Size: size }));
  } finally {
    await lease.release({ collect: false });
  }
}

function aux(fact: object): JsonMessage {
  return { progressDetail: {}, aux: fact };
}

async function documentsOf(
  { containerd, naming }: PushDeps,
  name: ImageName,
  { platform }: PushRequest,
): Promise<ImageDocuments> {
  if (platform === undefined) return name.documents;
  const found = await readImageDocuments(containerd, name.target, { platform, strict: true });
  if (found !== undefined && formatPlatform(found.config) === formatPlatform(platform)) return found;
  throw notFound(
    `image with reference ${familiarReference(name.reference, naming)} was found but does not provide the specified platform (${formatPlatform(platform)})`,
  );
}

/** An index only with all that it names, else the image of this machine's platform. */
async function contentOf(
  { deps: { containerd }, request: { platform }, signal }: TagContext,
  { target: { mediaType, digest, size } }: ImageName,
  documents: ImageDocuments,
): Promise<{ content: PushedContent; insteadOf?: object }> {
  if (!isIndexType(mediaType)) return { content: contentOfManifest(documents) };
  const index = { mediaType, digest, size };
  const whole = platform === undefined ? await contentOfIndex(containerd, index, signal) : undefined;
  if (whole !== undefined) return { content: whole };
  return { content: contentOfManifest(documents), ...(platform === undefined && { insteadOf: index }) };
}

async function uploadContent(context: PushContext, { layers, configs, behind }: PushedContent, lease: Lease): Promise<void> {
  for (const { digest } of behind) await lease.holdContent(digest);
  await pushLayers(context, layers);
  for (const config of configs) await pushBlob(context, config);
}

/** Bytes of the last one. */
async function putDocuments(
  { deps, uploader, signal }: TagContext,
  { behind, target }: PushedContent,
  tag: string,
): Promise<number> {
  const put = async (key: string, { digest, mediaType }: { digest: string; mediaType: string }): Promise<number> => {
    const bytes = await readDocument(deps.containerd, digest);
    await uploader.putManifest(key, mediaType, bytes, signal);
    return bytes.length;
  };
  for (const document of behind) await put(document.digest, document);
  return put(tag, target);
}

/** The digest it has in the registry is a name of the image from now on, as after a pull. */
async function nameDigest(
  { store, removals }: PushDeps,
  { image, name: { reference } }: NamedImage,
  { target }: PushedContent,
  documents: ImageDocuments,
): Promise<void> {
  const { domain, path } = reference;
  await removals.run(image.id, async () => {
    if (store.get(image.id) !== image || documents.manifest.config.digest !== image.id) return;
    const digest: Digest = target.digest;
    await store.put({ domain, path, digest }, target, documents);
  });
}
