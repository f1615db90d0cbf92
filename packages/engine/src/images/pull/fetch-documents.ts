import { invalidArgument, notFound } from "@pouchcontainer/errors";
import {
  formatPlatform,
  isIndexType,
  isManifestType,
  isSchema1Type,
  parseImageConfig,
  parseIndex,
  parseManifest,
  platformDistance,
  sortByPlatform,
  type ContentDescriptor,
} from "@pouchcontainer/oci";
import { gcLabels, hasContent, sourceLabel } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";
import type { FetchedDocument, RegistryClient } from "../../registry/registry-client.ts";
import { documentLimit, nestingLimit, readDocument } from "../store/image-documents.ts";
import type { FetchedImage, PullDeps, PullRequest } from "./pull-request.ts";

interface FetchContext {
  deps: PullDeps;
  client: RegistryClient;
  request: PullRequest;
  lease: Lease;
  signal: AbortSignal;
}

/** Puts the index, the manifest for the platform and its config into the content store, labelled for the collector. */
export async function fetchDocuments(context: FetchContext, top: FetchedDocument): Promise<FetchedImage> {
  let document = top;
  for (let depth = 0; isIndexType(document.mediaType); depth += 1) {
    if (depth >= nestingLimit) throw invalidArgument(`invalid image index: more than ${nestingLimit} indexes in one another`);
    document = await enterIndex(context, document);
  }
  if (!isManifestType(document.mediaType)) throw unsupported(document.mediaType);
  const target = { mediaType: top.mediaType, digest: top.digest, size: top.bytes.length };
  return { target, ...(await storeManifest(context, document)) };
}

function unsupported(mediaType: string): Error {
  if (isSchema1Type(mediaType)) {
    return invalidArgument(
      "Docker Image manifest version 2, schema 1 is not supported: ask the image's author to push it again in the OCI or schema 2 format",
    );
  }
  return invalidArgument(
    `unsupported media type ${mediaType === "" ? "(none)" : mediaType}: the reference does not name a container image`,
  );
}

async function enterIndex(context: FetchContext, document: FetchedDocument): Promise<FetchedDocument> {
  const { deps, client, request, signal } = context;
  const { manifests } = parseIndex(document.bytes);
  // Labels for all platforms: one fetched later is then held as well. What is not here does no harm.
  const labels = Object.fromEntries(manifests.map(({ digest }, index) => [gcLabels.manifest(index), digest]));
  await writeDocument(context, document, labels);
  const [best] = sortByPlatform(manifests, request.platform, (item) => item.platform);
  if (best === undefined) {
    throw notFound(`no matching manifest for ${formatPlatform(request.platform)} in the manifest list entries`);
  }
  // The index, just written, holds it.
  if (await hasContent(deps.containerd.content, best.digest)) {
    return {
      mediaType: best.mediaType,
      digest: best.digest,
      bytes: Buffer.from(await readDocument(deps.containerd, best.digest)),
    };
  }
  const fetched = await client.getManifest(best.digest, signal);
  return { ...fetched, mediaType: best.mediaType === "" ? fetched.mediaType : best.mediaType };
}

async function storeManifest(context: FetchContext, document: FetchedDocument): Promise<Omit<FetchedImage, "target">> {
  const { deps, request } = context;
  const manifest = parseManifest(document.bytes);
  const layers = manifest.layers.map(({ digest }, index) => [gcLabels.layer(index), digest]);
  await writeDocument(context, document, { [gcLabels.config]: manifest.config.digest, ...Object.fromEntries(layers) });
  if (manifest.config.size > documentLimit)
    throw invalidArgument(`invalid image: its config has ${manifest.config.size} bytes, more than ${documentLimit}`);
  await fetchConfig(context, manifest.config);
  const config = parseImageConfig(await readDocument(deps.containerd, manifest.config.digest));
  // An index says which platform a manifest is for; a manifest alone tells it only here.
  if (platformDistance(request.platform, config) === undefined) {
    throw notFound(
      `no matching manifest for ${formatPlatform(request.platform)} in the manifest list entries: the image is for ${formatPlatform(config)}`,
    );
  }
  const { mediaType, digest, bytes } = document;
  return { manifestDescriptor: { mediaType, digest, size: bytes.length }, manifest, config };
}

async function fetchConfig({ deps, client, request, signal }: FetchContext, config: ContentDescriptor): Promise<void> {
  const labels = { [sourceLabel(request.reference.domain)]: request.reference.path };
  await deps.blobs.fetch({ client, signal, descriptor: config, labels });
}

async function writeDocument(
  { deps, request, lease, signal }: FetchContext,
  document: FetchedDocument,
  labels: Record<string, string>,
): Promise<void> {
  await lease.holdContent(document.digest);
  const source = { [sourceLabel(request.reference.domain)]: request.reference.path };
  await deps.containerd.content.writeBlob(
    { bytes: document.bytes, digest: document.digest, labels: { ...labels, ...source } },
    { leaseId: lease.id, signal },
  );
}
