import { invalidArgument, notFound } from "@pouchcontainer/errors";
import {
  formatPlatform,
  InvalidImageError,
  isIndexType,
  parseIndex,
  parseManifest,
  sniffDocument,
  type ContentDescriptor,
  type NamingDefaults,
  type Platform,
  type Reference,
} from "@pouchcontainer/oci";
import { gcLabels, hasContent } from "../containerd-services.ts";
import { behindLimit, nestingLimit, readDocument, readImageDocuments } from "../store/image-documents.ts";
import { parseArchiveName, type ArchiveDeps, type ArchiveImage } from "./archive-images.ts";
import type { IngestedArchive } from "./ingest-archive.ts";

/** The images `index.json` names (OCI image spec, `image-layout.md`). `platform` is a wish unless `strict`. */
export async function readOciLayout(
  deps: ArchiveDeps,
  archive: IngestedArchive,
  choice: { platform: Platform; strict: boolean },
): Promise<ArchiveImage[]> {
  const index = parseIndex(archive.documents.get("index.json") ?? Buffer.from(""));
  const images = new Map<string, ArchiveImage>();
  for (const descriptor of index.manifests) {
    const known = images.get(descriptor.digest);
    if (known !== undefined) {
      known.references.push(...referencesOf(descriptor, deps.naming));
      continue;
    }
    const image = await readImage(deps, descriptor, choice);
    if (image !== undefined) images.set(descriptor.digest, image);
  }
  if (images.size === 0) {
    if (choice.strict) throw notFound(`the archive has no image for ${formatPlatform(choice.platform)}`);
    throw invalidArgument("invalid archive: index.json names no image");
  }
  return [...images.values()];
}

async function readImage(
  deps: ArchiveDeps,
  descriptor: ContentDescriptor,
  choice: { platform: Platform; strict: boolean },
): Promise<ArchiveImage | undefined> {
  const { mediaType, digest, size } = descriptor;
  if (!(await hasContent(deps.content, digest))) throw missing(digest);
  await labelTree(deps, descriptor);
  const documents = await readImageDocuments({ content: deps.content }, descriptor, choice).catch((error: unknown) => {
    // Signatures and attestations are manifests too; their config is none.
    if (error instanceof InvalidImageError) return undefined;
    throw error;
  });
  if (documents === undefined) return undefined;
  for (const layer of documents.manifest.layers) if (!(await hasContent(deps.content, layer.digest))) throw missing(layer.digest);
  return { documents, target: { mediaType, digest, size }, references: referencesOf(descriptor, deps.naming) };
}

function missing(digest: string): Error {
  return invalidArgument(`invalid archive: blob ${digest} is missing`);
}

/** The full name where the archive has one; a bare tag, which the specification allows too, names no repository. */
function referencesOf({ annotations = {}, digest }: ContentDescriptor, naming: NamingDefaults): Reference[] {
  const full = annotations["io.containerd.image.name"];
  const name = full ?? annotations["org.opencontainers.image.ref.name"] ?? "";
  return full !== undefined || /[/:]/.test(name) ? [parseArchiveName(name, naming, digest)] : [];
}

/** Ties what is here together for the collector, from the index down, each document once. */
async function labelTree(
  deps: ArchiveDeps,
  { digest, mediaType }: ContentDescriptor,
  depth = 0,
  tied = new Set<string>(),
): Promise<void> {
  if (depth > nestingLimit || tied.has(digest) || !(await hasContent(deps.content, digest))) return;
  tied.add(digest);
  if (tied.size > behindLimit + 1)
    throw invalidArgument(`invalid archive: an image has more than ${behindLimit} indexes and manifests`);
  const bytes = await readDocument(deps, digest);
  if (isIndexType(mediaType) || sniffDocument(bytes) === "index") {
    const { manifests } = parseIndex(bytes);
    await deps.content.updateLabels(
      digest,
      Object.fromEntries(manifests.map((item, index) => [gcLabels.manifest(index), item.digest])),
    );
    for (const item of manifests) await labelTree(deps, item, depth + 1, tied);
    return;
  }
  const { config, layers } = parseManifest(bytes);
  const labels = layers.map((layer, index): [string, string] => [gcLabels.layer(index), layer.digest]);
  await deps.content.updateLabels(digest, { [gcLabels.config]: config.digest, ...Object.fromEntries(labels) });
}
