import { isKind } from "@pouchcontainer/errors";
import {
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
import type { Descriptor } from "@pouchcontainer/containerd";
import { hasContent, type ImageServices } from "../containerd-services.ts";

/** An image of one platform, read from the content store. */
export interface ImageDocuments {
  manifestDescriptor: ContentDescriptor;
  manifest: ImageManifest;
  config: ImageConfigFile;
}

type Content = Pick<ImageServices, "content">;

/** Documents are read into memory: nothing honest is bigger. */
export const documentLimit = 8 * 1024 * 1024;

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
    const manifest = parseManifest(await containerd.content.readAll(manifestDescriptor.digest));
    const config = parseImageConfig(await containerd.content.readAll(manifest.config.digest));
    return { manifestDescriptor, manifest, config };
  } catch (error) {
    // Other platforms of an index are usually not fetched.
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** An index in an index is legal; deeper than this it is malice. */
export const nestingLimit = 3;

/** Manifests behind a target, best for the platform first; `strict` leaves out those it cannot run. */
async function manifestsOf(
  containerd: Content,
  target: Descriptor,
  choice: { platform: Platform; manifestDigest?: string | undefined; strict?: boolean },
  depth = 0,
): Promise<ContentDescriptor[]> {
  if (depth > nestingLimit || !(await isIndex(containerd, target))) return [target];
  const { manifests } = parseIndex(await containerd.content.readAll(target.digest));
  const chosen = manifests.filter(({ digest }) => digest === choice.manifestDigest);
  const matching = sortByPlatform(manifests, choice.platform, (item) => item.platform);
  const images = manifests.filter((item) => !matching.includes(item) && item.platform?.os !== "unknown");
  const found = choice.strict === true ? matching : [...chosen, ...matching, ...images];
  const behind = found.map(async (item) => {
    if (!isIndexType(item.mediaType)) return [item];
    // Of other platforms' the content is usually not here.
    return (await hasContent(containerd.content, item.digest)) ? manifestsOf(containerd, item, choice, depth + 1) : [];
  });
  return (await Promise.all(behind)).flat();
}

async function isIndex(containerd: Content, target: Descriptor): Promise<boolean> {
  if (isIndexType(target.mediaType)) return true;
  if (target.mediaType !== "") return false;
  return sniffDocument(await containerd.content.readAll(target.digest)) === "index";
}
