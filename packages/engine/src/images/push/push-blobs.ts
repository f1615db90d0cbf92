import { Readable } from "node:stream";
import { isKind, notFound } from "@pouchcontainer/errors";
import { isNondistributable, type ContentDescriptor, type Reference } from "@pouchcontainer/oci";
import { countedSource } from "../../registry/blob-sources.ts";
import { LayerProgress, type ProgressSink } from "../../registry/progress.ts";
import type { BlobOutcome, RegistryUploader } from "../../registry/registry-uploader.ts";
import type { BlobSource } from "../../registry/upload-blob.ts";
import { contentInfo, type ImageServices } from "../containerd-services.ts";
import { isTagged, type ImageName } from "../store/image-store.ts";
import type { PushDeps } from "./push-request.ts";
import { sourcesIn } from "./known-repositories.ts";

export interface PushContext {
  deps: PushDeps;
  uploader: RegistryUploader;
  reference: Reference;
  /** All names of the image: what it is called elsewhere in the registry may be there. */
  names: readonly ImageName[];
  progress: ProgressSink;
  signal: AbortSignal;
}

/** Uploads layers side by side. The first failure stops the rest, and is the one reported. */
export async function pushLayers(context: PushContext, layers: ContentDescriptor[]): Promise<void> {
  const stop = new AbortController();
  const inner = { ...context, signal: AbortSignal.any([context.signal, stop.signal]) };
  const work = layers.map((layer) => {
    const now = (): number => context.deps.clock.now();
    const report = new LayerProgress({ digest: layer.digest, sink: context.progress, now });
    report.state("Preparing");
    return { layer, report };
  });
  const pushed = work.map(({ layer, report }) => pushLayer(inner, layer, report));
  await Promise.all(pushed.map((part) => part.catch((error: unknown) => stop.abort(stop.signal.reason ?? error))));
  context.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
}

async function pushLayer(context: PushContext, layer: ContentDescriptor, report: LayerProgress): Promise<void> {
  if (isNondistributable(layer.mediaType)) {
    report.state("Skipped foreign layer");
    return;
  }
  const outcome = await context.deps.places.run(
    () => pushBlob(context, layer, (current, total) => report.count("Pushing", current, total)),
    context.signal,
    () => report.state("Waiting"),
  );
  report.state(wordsOf(outcome));
}

function wordsOf(outcome: BlobOutcome): string {
  if (outcome.was === "mounted") return `Mounted from ${outcome.from}`;
  return outcome.was === "there" ? "Layer already exists" : "Pushed";
}

/** Uploads what the registry has not. Its content need not be here where the registry has it. */
export async function pushBlob(
  { deps, uploader, reference, names, signal }: PushContext,
  { digest, size }: ContentDescriptor,
  onBytes: (current: number, total: number) => void = () => undefined,
): Promise<BlobOutcome> {
  const { content } = deps.containerd;
  const info = await contentInfo(content, digest);
  // What a stranger's manifest says of its size is not what a registry is promised.
  const sizeBytes = info?.size ?? size;
  const source = { sizeBytes, open: (offset: number) => bytesOf(content, digest, offset, signal) } satisfies BlobSource;
  const counted = countedSource(source, (current) => onBytes(current, sizeBytes));
  const mountFrom = mountSource(reference, info?.labels ?? {}, names);
  return uploader.putBlob(digest, counted, signal, { mountFrom });
}

/** Where the registry has the blob already, as far as is known: where it came from or went to, else another name of the image. */
function mountSource(
  { domain, path }: Reference,
  labels: Record<string, string>,
  names: readonly ImageName[],
): string | undefined {
  const known = sourcesIn(labels, domain).findLast((repository) => repository !== path);
  if (known !== undefined) return known;
  const others = names.filter(({ reference }) => reference.domain === domain && reference.path !== path);
  return (others.find((name) => !isTagged(name)) ?? others[0])?.reference.path;
}

function bytesOf(content: ImageServices["content"], digest: string, offset: number, signal: AbortSignal): Readable {
  return Readable.from(read(content, digest, offset, signal), { objectMode: false });
}

async function* read(
  content: ImageServices["content"],
  digest: string,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* content.read(digest, { offset }, { signal });
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
    throw notFound(`content of the image is not here: blob ${digest} is missing`, { cause: error });
  }
}
