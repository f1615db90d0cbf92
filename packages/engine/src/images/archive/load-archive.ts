import { isOutage } from "@pouchcontainer/containerd";
import type { Readable } from "node:stream";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { familiarReference, InvalidImageError, type NamingDefaults, type Platform } from "@pouchcontainer/oci";
import type { ImageServices } from "../containerd-services.ts";
import type { ImageEvents } from "../image-events.ts";
import type { Lease, Leases } from "../lease.ts";
import { LayerProgress, type ProgressSink } from "../../registry/progress.ts";
import type { Clock } from "../../registry/retry.ts";
import type { ImageStore, StoredImage } from "../store/image-store.ts";
import { stackOf, type Unpacker } from "../unpack-image.ts";
import type { ArchiveImage } from "./archive-images.ts";
import { ingestArchive } from "./ingest-archive.ts";
import { readDockerArchive, referencesInManifest } from "./read-docker-archive.ts";
import { readLegacyArchive } from "./read-legacy-archive.ts";
import { readOciLayout } from "./read-oci-layout.ts";

export interface LoadDeps {
  containerd: ImageServices;
  store: ImageStore;
  unpacker: Unpacker;
  events: ImageEvents;
  naming: NamingDefaults;
  snapshotter: string;
  clock: Clock;
  leases: Leases;
}

export interface LoadOptions {
  /** No lines about layers. */
  quiet: boolean;
  platform: Platform;
  /** The platform was asked for: no other will do. */
  strict: boolean;
}

/**
 * Loads images from an archive: an OCI layout, `docker save`'s format, or both in one. A failed load leaves nothing. The archive is
 * read as far as it is good, and left as it is then: it may be a request that is still to be answered.
 */
export async function loadArchive(
  deps: LoadDeps,
  tar: Readable,
  options: LoadOptions,
  progress: ProgressSink,
  signal: AbortSignal,
): Promise<void> {
  const lease = await deps.leases.take("load");
  let done = false;
  let afterOutage = false;
  try {
    for (const image of await readImages(deps, tar, options, lease, signal)) {
      await unpack(deps, image, lease, options.quiet ? () => undefined : progress, signal);
      await nameImage(deps, image, progress);
    }
    done = true;
  } catch (error) {
    afterOutage = isOutage(error);
    if (signal.aborted) throw new EngineError("cancelled", "context canceled", { cause: error });
    if (error instanceof InvalidImageError) throw invalidArgument(`invalid archive: ${error.message}`, { cause: error });
    throw error;
  } finally {
    // Files no image of the archive refers to go here.
    await lease.release({ collect: !done, afterOutage });
  }
}

async function readImages(
  deps: LoadDeps,
  tar: Readable,
  options: LoadOptions,
  lease: Lease,
  signal: AbortSignal,
): Promise<ArchiveImage[]> {
  const { content } = deps.containerd;
  const archive = await ingestArchive({ content, lease }, tar, signal);
  const into = { content, lease, signal, naming: deps.naming };
  if (archive.documents.has("index.json") && archive.documents.has("oci-layout")) {
    const named = referencesInManifest(archive, deps.naming);
    const images = await readOciLayout(into, archive, options);
    return images.map((image) =>
      image.references.length > 0 ? image : { ...image, references: named.get(image.documents.manifest.config.digest) ?? [] },
    );
  }
  if (archive.documents.has("manifest.json")) return readDockerArchive(into, archive);
  if (archive.documents.has("repositories")) return readLegacyArchive(into, archive, options.platform);
  throw invalidArgument("invalid archive: it has neither index.json and oci-layout nor manifest.json");
}

async function unpack(
  deps: LoadDeps,
  { documents }: ArchiveImage,
  lease: Lease,
  progress: ProgressSink,
  signal: AbortSignal,
): Promise<void> {
  for (const layer of stackOf(documents.manifest, documents.config)) {
    if (await deps.unpacker.hold(deps.snapshotter, layer.chainId, lease)) continue;
    const report = new LayerProgress({ digest: layer.diffId, sink: progress, now: () => deps.clock.now() });
    const { size } = layer.descriptor;
    report.count("Loading layer", Math.min(1, size), size);
    await deps.unpacker.unpackLayer(deps.snapshotter, layer, lease, signal);
    report.count("Loading layer", size, size);
  }
  await deps.unpacker.tie(deps.snapshotter, documents);
}

async function nameImage(deps: LoadDeps, { documents, target, references }: ArchiveImage, progress: ProgressSink): Promise<void> {
  let stored: StoredImage | undefined;
  for (const reference of references) {
    const shown = familiarReference(reference, deps.naming);
    const previous = deps.store.find(shown);
    stored = await deps.store.put(reference, target, documents);
    if (previous !== undefined && previous.id !== stored.id) {
      progress({ stream: `The image ${shown} already exists, renaming the old one with ID ${previous.id} to empty string\n` });
    }
    progress({ stream: `Loaded image: ${shown}\n` });
  }
  if (stored === undefined) {
    stored = await deps.store.putDangling(target, documents);
    progress({ stream: `Loaded image ID: ${stored.id}\n` });
  }
  deps.events.publish("load", stored);
}
