import type { JsonMessage } from "@pouchcontainer/api";
import { isKind } from "@pouchcontainer/errors";
import { asHost } from "@pouchcontainer/owners";
import {
  familiarReference,
  formatPlatform,
  formatReference,
  type Digest,
  type NamingDefaults,
  type Reference,
} from "@pouchcontainer/oci";
import type { Semaphore } from "../../semaphore.ts";
import { fetchDocuments } from "./fetch-documents.ts";
import { fetchLayers } from "./fetch-layers.ts";
import type { ProgressSink } from "../../registry/progress.ts";
import type { FetchedImage, PullDeps, PullRequest } from "./pull-request.ts";
import type { Lease } from "../lease.ts";
import { pullErrorOf } from "../../registry/registry-error.ts";
import type { FetchedDocument, RegistryClient } from "../../registry/registry-client.ts";
import { packedBytesOf, readDocument } from "../store/image-documents.ts";
import type { StoredImage } from "../store/image-store.ts";

/**
 * Pulls an image: documents, layers, plugins, then the name. Everything it brings is under a lease until the name holds it.
 * A failed or cancelled pull leaves no lease, image or snapshot; what was downloaded in part waits for the next try, and after a
 * plugin's refusal the whole content does.
 */
export async function pullImage(
  deps: PullDeps,
  request: PullRequest,
  places: Semaphore,
  progress: ProgressSink,
  signal: AbortSignal,
): Promise<Pulled> {
  const lease = await deps.leases.take("pull");
  let outcome: "done" | "failed" | "refused" = "failed";
  const connection = await deps.connect(request).catch(async (error: unknown) => {
    await lease.release({ collect: false });
    throw error;
  });
  try {
    const context = { deps, client: connection.client, request, lease, places, progress, signal };
    const image = await fetchImage(context);
    outcome = "refused";
    await runPostPull(context, image);
    const pulled = await nameImage(context, image);
    outcome = "done";
    return pulled;
  } catch (error) {
    if (signal.aborted) outcome = "failed";
    throw pullErrorOf(error, request.reference, deps.naming, signal);
  } finally {
    connection.close();
    await settle(lease, outcome);
  }
}

export interface Pulled {
  image: StoredImage;
  /** The name stands for another image than before, or is new. */
  isNewer: boolean;
}

/** The last line of a pull. */
export function outcomeLine(reference: Reference, naming: NamingDefaults, isNewer: boolean): JsonMessage {
  const shown = familiarReference(reference, naming);
  return { status: isNewer ? `Status: Downloaded newer image for ${shown}` : `Status: Image is up to date for ${shown}` };
}

interface PullContext {
  deps: PullDeps;
  client: RegistryClient;
  request: PullRequest;
  lease: Lease;
  places: Semaphore;
  progress: ProgressSink;
  signal: AbortSignal;
}

/** A lease expires by itself: one that is left is how refused content stays for a retry, and no longer than that. */
async function settle(lease: Lease, outcome: "done" | "failed" | "refused"): Promise<void> {
  if (outcome !== "refused") await lease.release({ collect: outcome === "failed" });
}

async function fetchImage(context: PullContext): Promise<FetchedImage> {
  const { deps, request, progress } = context;
  const top = await resolve(context);
  progress({ status: `Pulling from ${request.reference.path}`, id: request.reference.digest ?? request.reference.tag ?? "" });
  const image = await fetchDocuments(context, top);
  await fetchLayers(context, image);
  await deps.unpacker.tie(deps.snapshotter, image);
  return image;
}

/** The document behind the reference. When the name stands for it already, the registry is asked for the digest only. */
async function resolve({ deps, client, request: { reference }, lease, signal }: PullContext): Promise<FetchedDocument> {
  const known = deps.store
    .byName(formatReference(bare(reference)))
    ?.names.find(({ name }) => name === formatReference(bare(reference)));
  const wanted =
    reference.digest ?? (known && reference.tag !== undefined ? await client.headManifest(reference.tag, signal) : undefined);
  if (known !== undefined && wanted === known.target.digest) {
    await lease.holdContent(wanted);
    const bytes = await readDocument(deps.containerd, wanted).catch((error: unknown) => {
      if (isKind(error, "notFound")) return undefined;
      throw error;
    });
    if (bytes !== undefined) return { mediaType: known.target.mediaType, digest: wanted, bytes: Buffer.from(bytes) };
  }
  return client.getManifest(reference.digest ?? reference.tag ?? "latest", signal);
}

/** Of a reference with both, the digest is what counts and what is kept. */
function bare({ domain, path, tag, digest }: Reference): Reference {
  if (digest !== undefined) return { domain, path, digest };
  return { domain, path, ...(tag !== undefined && { tag }) };
}

async function runPostPull({ deps, request, lease, signal }: PullContext, image: FetchedImage): Promise<void> {
  const reference = familiarReference(request.reference, deps.naming);
  await deps.chains.postPull(
    deps.snapshotter,
    {
      reference,
      digest: image.target.digest,
      platform: formatPlatform(image.config),
      sizeBytes: packedBytesOf(image.manifest),
      config: image.config,
      unpack: (snapshotter) => asHost(() => deps.unpacker.unpackAll(snapshotter, image, lease, signal)),
      isUnpacked: (snapshotter) => asHost(() => deps.unpacker.isUnpacked(snapshotter, image.config)),
    },
    { image: reference, labels: image.config.config?.Labels ?? {}, env: image.config.config?.Env ?? [], signal },
  );
}

/** The tag, and beside it the digest it stood for when it was pulled, as Docker keeps both. */
async function nameImage({ deps, request: { reference }, progress }: PullContext, image: FetchedImage): Promise<Pulled> {
  const { domain, path } = reference;
  const name = bare(reference);
  const before = deps.store.byName(formatReference(name));
  const digest: Digest = reference.digest ?? image.target.digest;
  let stored = await deps.store.put({ domain, path, digest }, image.target, image);
  if (name.digest === undefined) stored = await deps.store.put(name, image.target, image);
  deps.events.publishTransfer("pull", name, stored);
  progress({ status: `Digest: ${digest}` });
  return { image: stored, isNewer: before?.id !== stored.id };
}
