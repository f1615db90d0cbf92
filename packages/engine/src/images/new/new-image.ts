import { isOutage } from "@pouchcontainer/containerd";
import type { Readable } from "node:stream";
import { cancelled, invalidArgument, notFound } from "@pouchcontainer/errors";
import {
  digestOf,
  InvalidImageError,
  MediaType,
  parseImageConfig,
  type ContentDescriptor,
  type ImageConfigFile,
  type ImageManifest,
  type ImageRunConfig,
  type Platform,
  type Reference,
} from "@pouchcontainer/oci";
import type { LoadDeps } from "../archive/load-archive.ts";
import { hasContent } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";
import { documentLimit, type ImageDocuments } from "../store/image-documents.ts";
import type { StoredImage } from "../store/image-store.ts";
import { writeManifest } from "../write-manifest.ts";
import { writeLayer } from "./write-layer.ts";

/** An image that is made here: a layer on others, or on nothing, and what its containers are to be. */
export interface NewImage {
  parent?: ImageDocuments;
  platform: Platform;
  /** A plain tar (OCI image spec, `layer.md`), or a layer that is here and is held; absent where nothing but the configuration changes. */
  layer?: Readable | NewLayer | undefined;
  config: ImageRunConfig;
  author: string;
  comment: string;
  /** The step of the history. */
  createdBy: string;
  /** RFC 3339; default: now. */
  created?: string;
  /** Of the manifest. */
  annotations?: Record<string, string>;
}

/** A layer in the content store. */
export interface NewLayer {
  descriptor: ContentDescriptor;
  /** Digest of the plain tar. */
  diffId: string;
}

/** Makes an image and unpacks it. Nothing is left of one that fails; without a name it is one that nobody has named yet. */
export async function makeImage(
  deps: LoadDeps,
  image: NewImage,
  reference: Reference | undefined,
  signal: AbortSignal,
): Promise<StoredImage> {
  refuseWhatCannotBeRead(image);
  const lease = await deps.leases.take("new");
  let done = false;
  let afterOutage = false;
  try {
    const documents = await writeImage(deps, lease, image, signal);
    await deps.unpacker.unpackAll(deps.snapshotter, documents, lease, signal);
    const target = documents.manifestDescriptor;
    const stored = await (reference === undefined
      ? deps.store.putDangling(target, documents)
      : deps.store.put(reference, target, documents));
    done = true;
    return stored;
  } catch (error) {
    afterOutage = isOutage(error);
    if (signal.aborted) throw cancelled("context canceled", { cause: error });
    throw error;
  } finally {
    await lease.release({ collect: !done, afterOutage });
  }
}

/** Writes what an image is made of, all of it held by the lease; there is no image before the store has it. */
export async function writeImage(deps: LoadDeps, lease: Lease, image: NewImage, signal: AbortSignal): Promise<ImageDocuments> {
  if (image.parent !== undefined) await holdLayers(deps, image.parent, lease);
  const layer = await layerOf(deps, lease, image.layer, signal);
  return await writeDocuments(deps, lease, image, layer, signal);
}

async function layerOf(
  deps: LoadDeps,
  lease: Lease,
  layer: NewImage["layer"],
  signal: AbortSignal,
): Promise<NewLayer | undefined> {
  if (layer === undefined || "diffId" in layer) return layer;
  const descriptor = await writeLayer(deps.containerd, lease, layer, signal);
  return descriptor && { descriptor, diffId: descriptor.digest };
}

/** What is too much for a configuration is told before the work on its layer, and as the client's fault. */
function refuseWhatCannotBeRead(image: NewImage): void {
  const bytes = Buffer.from(JSON.stringify(configOf(image, undefined, "")));
  if (bytes.length > documentLimit)
    throw invalidArgument(`the image's configuration has ${bytes.length} bytes, more than ${documentLimit}`);
  try {
    parseImageConfig(bytes);
  } catch (error) {
    if (error instanceof InvalidImageError) throw invalidArgument(error.message, { cause: error });
    throw error;
  }
}

/** Held first, then looked at: the image they are of may be removed at any moment, and a snapshot outlives what it was made from. */
async function holdLayers({ containerd }: LoadDeps, { manifest }: ImageDocuments, lease: Lease): Promise<void> {
  for (const { digest } of manifest.layers) {
    await lease.holdContent(digest);
    if (!(await hasContent(containerd.content, digest)))
      throw notFound(`content of the image below is not here: blob ${digest} is missing`);
  }
}

async function writeDocuments(
  deps: LoadDeps,
  lease: Lease,
  image: NewImage,
  layer: NewLayer | undefined,
  signal: AbortSignal,
): Promise<ImageDocuments> {
  const { content } = deps.containerd;
  const { created = new Date(deps.clock.now()).toISOString(), annotations } = image;
  const bytes = Buffer.from(JSON.stringify(configOf(image, layer, created)));
  if (bytes.length > documentLimit)
    throw invalidArgument(`the image's configuration and history have ${bytes.length} bytes, more than ${documentLimit}`);
  const digest = digestOf(bytes);
  await lease.holdContent(digest);
  await content.writeBlob({ bytes, digest }, { leaseId: lease.id, signal });
  const layers = (image.parent?.manifest.layers ?? []).map(asOci);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest, size: bytes.length },
    layers: layer === undefined ? layers : [...layers, asOci(layer.descriptor)],
    ...(annotations && { annotations }),
  };
  const { manifestDescriptor } = await writeManifest({ content, lease, signal }, manifest);
  return { manifestDescriptor, manifest, config: parseImageConfig(bytes) };
}

/** Docker's types and OCI's name the same bytes; one manifest has those of one kind. */
const ociTypes = new Map<string, string>(
  Object.entries({
    [MediaType.dockerLayer]: MediaType.ociLayer,
    [MediaType.dockerLayerGzip]: MediaType.ociLayerGzip,
    [MediaType.dockerLayerZstd]: MediaType.ociLayerZstd,
    [MediaType.dockerForeignLayer]: MediaType.ociNondistributableLayer,
    [MediaType.dockerForeignLayerGzip]: MediaType.ociNondistributableLayerGzip,
  }),
);

function asOci({ mediaType, digest, size, urls }: ContentDescriptor): ContentDescriptor {
  return { mediaType: ociTypes.get(mediaType) ?? mediaType, digest, size, ...(urls && { urls }) };
}

function configOf(image: NewImage, layer: NewLayer | undefined, created: string): ImageConfigFile {
  const { parent, author, comment, createdBy } = image;
  const { os, architecture, variant } = image.platform;
  return {
    architecture,
    os,
    ...(variant !== undefined && { variant }),
    ...(author !== "" && { author }),
    ...(comment !== "" && { comment }),
    created,
    config: image.config,
    rootfs: {
      type: "layers",
      diff_ids: [...(parent?.config.rootfs.diff_ids ?? []), ...(layer === undefined ? [] : [layer.diffId])],
    },
    history: [
      ...(parent?.config.history ?? []),
      {
        created,
        ...(createdBy !== "" && { created_by: createdBy }),
        ...(author !== "" && { author }),
        ...(comment !== "" && { comment }),
        ...(layer === undefined && { empty_layer: true }),
      },
    ],
  };
}
