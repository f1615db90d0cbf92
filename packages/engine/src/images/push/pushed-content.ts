import {
  InvalidImageError,
  isIndexType,
  isNondistributable,
  parseIndex,
  parseManifest,
  type ContentDescriptor,
} from "@pouchcontainer/oci";
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
export async function contentOfIndex(
  containerd: Content,
  target: ContentDescriptor,
  signal: AbortSignal,
): Promise<PushedContent | undefined> {
  const found: Found = { layers: new Map(), configs: new Map(), behind: new Map() };
  if (!(await gather({ containerd, signal, found }, target, 0))) return undefined;
  found.behind.delete(target.digest);
  return { target, layers: [...found.layers.values()], configs: [...found.configs.values()], behind: [...found.behind.values()] };
}

interface Found {
  layers: Map<string, ContentDescriptor>;
  configs: Map<string, ContentDescriptor>;
  behind: Map<string, ContentDescriptor>;
}

interface Gathering {
  containerd: Content;
  signal: AbortSignal;
  found: Found;
}

async function gather(gathering: Gathering, document: ContentDescriptor, depth: number): Promise<boolean> {
  const { containerd, found } = gathering;
  if (found.behind.has(document.digest)) return true;
  if (depth > nestingLimit || found.behind.size > behindLimit)
    throw new InvalidImageError(`invalid image index: more than ${nestingLimit} indexes in one another, or too many manifests`);
  if (!(await isHere(gathering, document.digest))) return false;
  const bytes = await readDocument(containerd, document.digest);
  if (isIndexType(document.mediaType)) {
    for (const inner of parseIndex(bytes).manifests) if (!(await gather(gathering, inner, depth + 1))) return false;
  } else if (!(await takeParts(gathering, bytes))) return false;
  found.behind.set(document.digest, document);
  return true;
}

/** An index may name the same parts again and again: each is looked for once. */
async function takeParts(gathering: Gathering, manifest: Uint8Array): Promise<boolean> {
  const { layers, configs } = gathering.found;
  const { config, layers: own } = parseManifest(manifest);
  for (const [known, part] of [[configs, config] as const, ...own.map((layer) => [layers, layer] as const)]) {
    if (known.has(part.digest)) continue;
    if (!isNondistributable(part.mediaType) && !(await isHere(gathering, part.digest))) return false;
    known.set(part.digest, part);
  }
  return true;
}

function isHere({ containerd, signal }: Gathering, digest: string): Promise<boolean> {
  signal.throwIfAborted();
  return hasContent(containerd.content, digest);
}
