import { isKind } from "@pouchcontainer/errors";
import {
  InvalidImageError,
  isIndexType,
  parseImageConfig,
  parseIndex,
  parseManifest,
  sniffDocument,
  sortByPlatform,
  type ContentDescriptor,
  type ImageConfigFile,
  type ImageManifest,
  type Platform,
} from "@pouchcontainer/oci";
import { ContentTooBig, type Descriptor } from "@pouchcontainer/containerd";
import { hasContent, type ImageServices } from "../containerd-services.ts";

/** An image of one platform, read from the content store. */
export interface ImageDocuments {
  manifestDescriptor: ContentDescriptor;
  manifest: ImageManifest;
  config: ImageConfigFile;
}

/** Bytes of config and layers as they are sent. */
export function packedBytesOf({ config, layers }: ImageManifest): number {
  return layers.reduce((sum, { size }) => sum + size, config.size);
}

type Content = Pick<ImageServices, "content">;

/** Documents are read into memory: nothing honest is bigger. */
export const documentLimit = 8 * 1024 * 1024;

/** One of an image's documents, whatever descriptors say of its size; one that is too big is an `InvalidImageError`. */
export async function readDocument({ content }: Content, digest: string): Promise<Uint8Array> {
  try {
    return await content.readAll(digest, { limitBytes: documentLimit });
  } catch (error) {
    if (error instanceof ContentTooBig) throw new InvalidImageError(`invalid image: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The manifest a target stands for and its config: `manifestDigest` where known, else the best for `platform` that is here. */
export async function readImageDocuments(
  containerd: Content,
  target: Descriptor,
  choice: { platform: Platform; manifestDigest?: string | undefined; strict?: boolean },
): Promise<ImageDocuments | undefined> {
  for (const manifestDescriptor of await manifestsOf(containerd, target, choice)) {
    const documents = await readDocuments(containerd, manifestDescriptor);
    if (documents !== undefined) return documents;
  }
  return undefined;
}

async function readDocuments(containerd: Content, manifestDescriptor: ContentDescriptor): Promise<ImageDocuments | undefined> {
  try {
    const manifest = parseManifest(await readDocument(containerd, manifestDescriptor.digest));
    const config = parseImageConfig(await readDocument(containerd, manifest.config.digest));
    return { manifestDescriptor, manifest, config };
  } catch (error) {
    // Other platforms of an index are usually not fetched.
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** An index in an index is legal; deeper than this it is malice. */
export const nestingLimit = 3;
/** Of a target and all indexes behind it, as many as one index may have. */
export const behindLimit = 4096;

/**
 * Manifests behind a target, best for the platform first; `strict` leaves out those it cannot run. An index that is in others more
 * than once is read once.
 */
async function manifestsOf(
  containerd: Content,
  target: Descriptor,
  choice: { platform: Platform; manifestDigest?: string | undefined; strict?: boolean },
  depth = 0,
  entered = new Set<string>(),
): Promise<ContentDescriptor[]> {
  entered.add(target.digest);
  if (depth > nestingLimit || !(await isIndex(containerd, target))) return [target];
  const { manifests } = parseIndex(await readDocument(containerd, target.digest));
  const chosen = manifests.filter(({ digest }) => digest === choice.manifestDigest);
  const matching = sortByPlatform(manifests, choice.platform, (item) => item.platform);
  const images = manifests.filter((item) => !matching.includes(item) && item.platform?.os !== "unknown");
  const found = new Set(choice.strict === true ? matching : [...chosen, ...matching, ...images]);
  const behind: ContentDescriptor[] = [];
  // One after the other: what is in memory is one document.
  for (const item of found) {
    if (!isIndexType(item.mediaType)) behind.push(item);
    // Of other platforms' the content is usually not here.
    else if (!entered.has(item.digest) && (await hasContent(containerd.content, item.digest)))
      behind.push(...(await manifestsOf(containerd, item, choice, depth + 1, entered)));
    if (behind.length > behindLimit)
      throw new InvalidImageError(`invalid image index: more than ${behindLimit} manifests are behind it`);
  }
  return behind;
}

async function isIndex(containerd: Content, target: Descriptor): Promise<boolean> {
  if (isIndexType(target.mediaType)) return true;
  if (target.mediaType !== "") return false;
  return sniffDocument(await readDocument(containerd, target.digest)) === "index";
}
