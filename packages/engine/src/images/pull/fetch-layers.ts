import type { Semaphore } from "../../semaphore.ts";
import { LayerProgress, type ProgressSink } from "../../registry/progress.ts";
import { isDiskFull } from "../../disk-full.ts";
import { ingestionOf } from "./download-blob.ts";
import type { FetchedImage, PullDeps, PullRequest } from "./pull-request.ts";
import { hasContent, sourceLabel } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import { stackOf, type StackedLayer } from "../unpack-image.ts";

export interface FetchLayersContext {
  deps: PullDeps;
  client: RegistryClient;
  request: PullRequest;
  lease: Lease;
  /** Shared by all pulls: how many layers are downloaded at once. */
  places: Semaphore;
  progress: ProgressSink;
  signal: AbortSignal;
}

/**
 * Downloads layers side by side and unpacks them in order, each as soon as it and those below are there. The first failure stops
 * the rest, and is the one reported.
 */
export async function fetchLayers(context: FetchLayersContext, image: FetchedImage): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const inner = { ...context, signal };
  const layers = stackOf(image.manifest, image.config);
  const reports = layers.map(
    ({ descriptor }) =>
      new LayerProgress({ digest: descriptor.digest, sink: context.progress, now: () => context.deps.clock.now() }),
  );
  const present = await whatIsPresent(inner, layers);
  // Docker's word for this is silence.
  if (present.every(Boolean) && context.deps.store.get(image.manifest.config.digest) !== undefined) return;
  layers.forEach((_, index) => reports[index]?.state(present[index] === true ? "Already exists" : "Pulling fs layer"));

  let below: Promise<void> = Promise.resolve();
  const work: Promise<void>[] = [];
  for (const [index, layer] of layers.entries()) {
    const report = reports[index];
    if (present[index] === true || report === undefined) continue;
    const lower = below;
    const download = fetchLayer(inner, layer, report);
    below = Promise.all([lower, download]).then(() => unpackLayer(inner, layer, report));
    work.push(download, below);
  }
  const failed = work.map((part) => part.catch((error: unknown) => stop.abort(stop.signal.reason ?? error)));
  await Promise.all(failed);
  context.signal.throwIfAborted();
  if (!stop.signal.aborted) return;
  if (isDiskFull(stop.signal.reason)) await dropParts(context, layers);
  throw stop.signal.reason;
}

/** On a full disk parts do not wait for the next try: they are why there is no room for it, or for anything else. */
async function dropParts({ deps }: FetchLayersContext, layers: StackedLayer[]): Promise<void> {
  const { content } = deps.containerd;
  await Promise.all(layers.map(({ descriptor }) => content.abort(ingestionOf(descriptor.digest)).catch(() => undefined)));
}

/** By layer: unpacked and its content here, so that there is nothing to do. Held from here on: content by the manifest's labels. */
async function whatIsPresent({ deps, lease }: FetchLayersContext, layers: StackedLayer[]): Promise<boolean[]> {
  return Promise.all(
    layers.map(async ({ descriptor, chainId }) => {
      const unpacked = await deps.unpacker.hold(deps.snapshotter, chainId, lease);
      return unpacked && (await hasContent(deps.containerd.content, descriptor.digest));
    }),
  );
}

async function fetchLayer(
  { deps, client, request, places, signal }: FetchLayersContext,
  layer: StackedLayer,
  report: LayerProgress,
): Promise<void> {
  const { descriptor } = layer;
  const download = (): Promise<void> =>
    deps.blobs.fetch({
      client,
      signal,
      descriptor,
      labels: { [sourceLabel(request.reference.domain)]: request.reference.path },
      onBytes: (current) => report.count("Downloading", current, descriptor.size),
      onVerify: () => report.state("Verifying Checksum"),
    });
  await places.run(
    async () => {
      signal.throwIfAborted();
      await download();
    },
    signal,
    () => report.state("Waiting"),
  );
  report.state("Download complete");
}

async function unpackLayer(
  { deps, lease, signal }: FetchLayersContext,
  layer: StackedLayer,
  report: LayerProgress,
): Promise<void> {
  const { size } = layer.descriptor;
  // containerd unpacks in one call: there is a beginning and an end to tell, nothing between.
  report.count("Extracting", Math.min(1, size), size);
  await deps.unpacker.unpackLayer(deps.snapshotter, layer, lease, signal);
  report.count("Extracting", size, size);
  report.state("Pull complete");
}
