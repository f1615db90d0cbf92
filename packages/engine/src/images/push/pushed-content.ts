import { InvalidImageError, isIndexType, parseIndex, parseManifest, type ContentDescriptor } from "@pouchcontainer/oci";
import { hasContent, type ImageServices } from "../containerd-services.ts";
import { behindLimit, nestingLimit, readDocument, type ImageDocuments } from "../store/image-documents.ts";

/** What makes up an image in a registry. */
export interface PushedContent {
  /** What the tag will stand for: a manifest or an index. */
  target: ContentDescriptor;
  layers: ContentDescriptor[];
  configs: ContentDescriptor[];
  /** Manifests and indexes behind the target, each after those that it names. */
  behind: ContentDescriptor[];
}

type Content = Pick<ImageServices, "content">;

/** One platform's image. */
export function contentOfManifest({ manifest, manifestDescriptor: { mediaType, digest, size } }: ImageDocuments): PushedContent {
  const layers = new Map(manifest.layers.map((layer) => [layer.digest, layer]));
  return { target: { mediaType, digest, size }, layers: [...layers.values()], configs: [manifest.config], behind: [] };
}

/** All that is behind an index; undefined where some of it is not here: what a registry has not it takes no index of. */
export async function contentOfIndex(containerd: Content, target: ContentDescriptor): Promise<PushedContent | undefined> {
  const found: Found = { layers: new Map(), configs: new Map(), behind: new Map() };
  if (!(await gather(containerd, target, found, 0))) return undefined;
  found.behind.delete(target.digest);
  return { target, layers: [...found.layers.values()], configs: [...found.configs.values()], behind: [...found.behind.values()] };
}

interface Found {
  layers: Map<string, ContentDescriptor>;
  configs: Map<string, ContentDescriptor>;
  behind: Map<string, ContentDescriptor>;
}

async function gather(containerd: Content, document: ContentDescriptor, found: Found, depth: number): Promise<boolean> {
  if (found.behind.has(document.digest)) return true;
  if (depth > nestingLimit || found.behind.size > behindLimit)
    throw new InvalidImageError(`invalid image index: more than ${nestingLimit} indexes in one another, or too many manifests`);
  if (!(await hasContent(containerd.content, document.digest))) return false;
  const bytes = await readDocument(containerd, document.digest);
  if (isIndexType(document.mediaType)) {
    for (const inner of parseIndex(bytes).manifests) if (!(await gather(containerd, inner, found, depth + 1))) return false;
  } else {
    const { config, layers } = parseManifest(bytes);
    for (const { digest } of [config, ...layers]) if (!(await hasContent(containerd.content, digest))) return false;
    found.configs.set(config.digest, config);
    for (const layer of layers) found.layers.set(layer.digest, layer);
  }
  found.behind.set(document.digest, document);
  return true;
}
