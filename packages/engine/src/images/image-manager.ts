import type { Readable } from "node:stream";
import type * as api from "@pouchcontainer/api";
import { internal, messageChain, notFound } from "@pouchcontainer/errors";
import {
  formatPlatform,
  formatReference,
  withDefaultTag,
  type NamingDefaults,
  type Platform,
  type Reference,
} from "@pouchcontainer/oci";
import type { ImageRequest } from "@pouchcontainer/plugin-sdk";
import type { PluginChains } from "../plugin-host/chains.ts";
import { loadArchive, type LoadDeps } from "./archive/load-archive.ts";
import { saveArchive } from "./archive/save-archive.ts";
import type { ImageServices } from "./containerd-services.ts";
import { ImageEvents, type EventSink } from "./image-events.ts";
import { KeyedMutex } from "../keyed-mutex.ts";
import type { ImageOnTop, ImageSource, ResolvedImage } from "./image-source.ts";
import { ImageWords } from "./image-words.ts";
import { Leases } from "./lease.ts";
import { applyChanges } from "./instructions/apply-changes.ts";
import { importImage, openAddress, type ImportRequest } from "./new/import-image.ts";
import { ImageDrafts } from "./new/image-drafts.ts";
import { makeImage } from "./new/new-image.ts";
import { ShownDrafts } from "./new/shown-drafts.ts";
import { BlobFetcher } from "./pull/blob-fetcher.ts";
import { pullNamed } from "./pull/pull-named.ts";
import { LayerProgress, type ProgressSink } from "../registry/progress.ts";
import type { PullDeps, PullRequest } from "./pull/pull-request.ts";
import { pushNamed } from "./push/push-named.ts";
import type { PushDeps } from "./push/push-request.ts";
import { Semaphore } from "../semaphore.ts";
import { SharedPulls } from "./pull/shared-pulls.ts";
import { checkLogin, registryOfLogin } from "../registry/check-login.ts";
import { credentialsOf } from "../registry/credentials.ts";
import { HttpTransport } from "../registry/http-transport.ts";
import { openRepository, type OpenedRepository, type RegistrySettings } from "../registry/open-repository.ts";
import { registryHostsOf } from "../registry/registry-hosts.ts";
import { diskUsageOf, type ImageDiskUsage } from "./store/image-disk-usage.ts";
import type { Filters } from "./store/image-filters.ts";
import { ImageSizes } from "./store/image-sizes.ts";
import { viewOf, type ImageView } from "./store/image-view.ts";
import { ImageStore, isTagged, type ImageName, type StoredImage } from "./store/image-store.ts";
import { imageHistory, inspectImage } from "./store/inspect-image.ts";
import { listImages, type ListDeps } from "./store/list-images.ts";
import { pruneImages } from "./store/prune-images.ts";
import { removeImage, type ImageUser, type RemoveDeps } from "./store/remove-image.ts";
import { SnapshotUsage, type SnapshotTotals } from "./store/snapshot-usage.ts";
import { Unpacker } from "./unpack-image.ts";

export interface ImageManagerOptions extends RegistrySettings {
  containerd: ImageServices;
  chains: Pick<PluginChains, "ask" | "change" | "postPull">;
  events: EventSink;
  /** Which snapshotter images are unpacked for. */
  snapshotter: string;
  /** What a name without registry means. */
  naming: NamingDefaults;
  /** The machine's platform. */
  platform: Platform;
  /** How many layers are downloaded at once, over all pulls. Default 3. */
  maxConcurrentDownloads?: number;
  /** How many layers are uploaded at once, over all pushes. Default 5. */
  maxConcurrentUploads?: number;
  /** See `Store.removal`. */
  removal<T>(work: () => Promise<T>): Promise<T>;
  warn(message: string): void;
  /** Containers made from an image, by its id. */
  usedBy(imageId: string): Iterable<ImageUser>;
}

const loginTimeoutMs = 30_000;

/** Builds the images room and reads what containerd has. */
export async function createImageManager(options: ImageManagerOptions): Promise<ImageManager> {
  const manager = new ImageManager(options);
  await manager.restore();
  return manager;
}

/** Images: getting, naming, showing and removing them. */
export class ImageManager implements ImageSource {
  readonly #options: ImageManagerOptions;
  readonly #words: ImageWords;
  readonly #store: ImageStore;
  readonly #sizes: ImageSizes;
  readonly #snapshots: SnapshotUsage;
  readonly #unpacker: Unpacker;
  readonly #leases: Leases;
  readonly #blobs: BlobFetcher;
  readonly #events: ImageEvents;
  readonly #pulls = new SharedPulls();
  readonly #places: Semaphore;
  readonly #uploads: Semaphore;
  readonly #removals = new KeyedMutex();
  readonly #shownDrafts: ShownDrafts;

  constructor(options: ImageManagerOptions) {
    const { containerd, naming, platform, clock, snapshotter } = options;
    this.#options = options;
    this.#words = new ImageWords(options);
    this.#store = new ImageStore({
      containerd,
      naming,
      platform,
      now: () => clock.now(),
      removal: (work) => options.removal(work),
      warn: (message) => options.warn(message),
    });
    this.#sizes = new ImageSizes({ containerd, snapshotter });
    this.#snapshots = new SnapshotUsage({ containerd, snapshotter, now: () => clock.now() });
    this.#unpacker = new Unpacker({ containerd });
    this.#leases = new Leases({ containerd, clock });
    this.#blobs = new BlobFetcher({ content: containerd.content, clock });
    this.#events = new ImageEvents({ sink: options.events, naming });
    this.#shownDrafts = new ShownDrafts({
      store: this.#store,
      removals: this.#removals,
      usedBy: (imageId) => options.usedBy(imageId),
    });
    this.#places = new Semaphore(options.maxConcurrentDownloads ?? 3);
    this.#uploads = new Semaphore(options.maxConcurrentUploads ?? 5);
  }

  /** Reads containerd's image store; once, before anything else is called. */
  async restore(): Promise<void> {
    await this.#leases.releaseLeft();
    await this.#store.load();
  }

  async list(options: { all: boolean; digests: boolean; sharedSize: boolean; filters: Filters }): Promise<api.ImageSummary[]> {
    return listImages(this.#queries(), options);
  }

  /** All images, with their names in full. */
  views(): ImageView[] {
    return [...this.#store.images()].map(viewOf);
  }

  /** The image of this name, digest, id or beginning of an id; undefined when there is none. */
  view(ref: string): ImageView | undefined {
    const image = this.#store.find(ref);
    return image && viewOf(image);
  }

  /** What layers of images and containers' own files take on disk. */
  async snapshotTotals(): Promise<SnapshotTotals> {
    return await this.#snapshots.totals();
  }

  async inspect(ref: string, options: { platform?: string } = {}): Promise<api.ImageInspect> {
    const image = await this.#find(ref, options.platform);
    return inspectImage({ ...this.#queries(), snapshotter: this.#options.snapshotter }, image);
  }

  async history(ref: string): Promise<api.ImageHistoryItem[]> {
    return imageHistory({ ...this.#queries(), snapshotter: this.#options.snapshotter }, this.#store.require(ref));
  }

  async pull(
    request: { reference: string; tag?: string; platform?: string; auth?: api.AuthConfig },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void> {
    const pull = await this.#afterPlugins(
      {
        reference: this.#words.ofPull(request.reference, request.tag),
        platform: this.#words.platform(request.platform),
        credentials: credentialsOf(request.auth),
      },
      signal,
    );
    const key = JSON.stringify([formatReference(pull.reference), formatPlatform(pull.platform), pull.credentials]);
    await this.#pulls.join(key, progress, signal, (sink, stop) => pullNamed(this.#pullDeps(), pull, this.#places, sink, stop));
  }

  /** Refuses a request that names no image. Asks nobody. */
  checkPull({ reference, platform }: ImageRequest): void {
    this.#words.reference(reference);
    this.#words.platform(platform);
  }

  /** What plugins make of a pull. What is secret to one registry is not told to another. */
  async #afterPlugins(pull: PullRequest, signal: AbortSignal): Promise<PullRequest> {
    const asked = { reference: this.#words.shown(pull.reference), platform: formatPlatform(pull.platform) };
    const changed = await this.#options.chains.change("image.prePull", { request: asked }, { signal });
    if (changed === asked) return pull;
    try {
      const isNamed = pull.reference.tag !== undefined || pull.reference.digest !== undefined;
      const named = this.#words.reference(changed.reference);
      const reference = isNamed ? withDefaultTag(named) : named;
      const isElsewhere = reference.domain !== pull.reference.domain;
      return {
        reference,
        platform: this.#words.platform(changed.platform),
        credentials: isElsewhere ? undefined : pull.credentials,
      };
    } catch (error) {
      throw internal(`plugins at image.prePull left what cannot be pulled: ${messageChain(error)}`, { cause: error });
    }
  }

  /** Without a tag, in the reference or beside it, it is all tags. */
  async push(
    request: { reference: string; tag?: string; platform?: string; auth?: api.AuthConfig },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void> {
    const push = {
      reference: this.#words.ofPush(request.reference, request.tag),
      platform: request.platform ? this.#words.platform(request.platform) : undefined,
      credentials: credentialsOf(request.auth),
    };
    await pushNamed(this.#pushDeps(), push, progress, signal);
  }

  async load(
    tar: Readable,
    options: { quiet: boolean; platform?: string },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void> {
    const strict = options.platform !== undefined && options.platform !== "";
    await loadArchive(
      this.#changes(),
      tar,
      { quiet: options.quiet, platform: this.#words.platform(options.platform), strict },
      progress,
      signal,
    );
  }

  async save(refs: string[], options: { platform?: string }, signal: AbortSignal): Promise<Readable> {
    const platform = options.platform ? this.#words.platform(options.platform) : undefined;
    return saveArchive(this.#changes(), refs, platform, signal);
  }

  newName(repository: string | undefined, tag: string | undefined): Reference | undefined {
    return repository ? this.#words.ofNewName(repository, tag, "cannot import digest reference") : undefined;
  }

  async makeOnTop(
    { parent, ...image }: ImageOnTop,
    name: Reference | undefined,
    signal: AbortSignal,
  ): Promise<{ id: string; shown: string }> {
    const below = this.#store.require(parent);
    const made = await makeImage(this.#changes(), { ...image, parent: below, platform: below.config }, name, signal);
    return { id: made.id, shown: this.#namedAnew(made, name) };
  }

  /** For a build, which closes them in the end. */
  async openDrafts(): Promise<ImageDrafts> {
    return await ImageDrafts.open({ ...this.#changes(), shown: this.#shownDrafts });
  }

  /** The image to begin a build with; undefined when it, or it for that platform, is not here. */
  async findForBuild(ref: string, platform: string | undefined): Promise<StoredImage | undefined> {
    const image = this.#store.find(ref);
    return image && (platform ? await this.#store.forPlatform(image, this.#words.platform(platform)) : image);
  }

  /** A name for what is built, as it was given and as Docker shows it. */
  buildName(text: string): Reference {
    return this.#words.ofNewName(text, undefined, "refusing to create a tag with a digest reference");
  }

  /** The registry that has an image of this name. */
  registryOf(name: string): string {
    return this.#words.reference(name).domain;
  }

  /** Tells of a name that a build has given; returns it as Docker shows it. */
  tellBuilt(image: StoredImage, name: Reference): string {
    return this.#namedAnew(image, name);
  }

  /** The platform of this name, or the machine's own. */
  platform(text: string | undefined): Platform {
    return this.#words.platform(text);
  }

  /** Makes an image of a tar, which is the request's body, or is fetched. */
  async importImage(
    request: {
      source: string;
      repository?: string;
      tag?: string;
      platform?: string;
      message: string;
      changes: readonly string[];
    },
    body: Readable,
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void> {
    const { source, message } = request;
    const config = applyChanges({}, request.changes);
    const name = this.newName(request.repository, request.tag);
    const platform = this.#words.platform(request.platform);
    const { env, userAgent } = this.#options;
    const transport = new HttpTransport({ env, userAgent });
    try {
      const archive = source === "-" ? { archive: body, source } : await this.#fetched(transport, source, progress, signal);
      const image = await importImage(this.#changes(), { ...archive, name, platform, message, config }, signal);
      this.#namedAnew(image, name);
      this.#events.publish("import", image);
      progress({ status: image.id });
    } finally {
      transport.close();
    }
  }

  /** An archive to be imported; nothing is told before there is one. */
  async #fetched(
    transport: HttpTransport,
    address: string,
    sink: ProgressSink,
    signal: AbortSignal,
  ): Promise<Pick<ImportRequest, "archive" | "source" | "onBytes">> {
    const { archive, sizeBytes, shown } = await openAddress(transport, address, signal);
    sink({ status: `Downloading from ${shown}` });
    const report = new LayerProgress({ sink, now: () => this.#options.clock.now() });
    return { archive, source: shown, onBytes: (count) => report.count("Importing", count, sizeBytes) };
  }

  async tag(source: string, target: { repository: string; tag?: string }): Promise<void> {
    const image = this.#store.require(source);
    const tagged = this.#words.ofNewName(target.repository, target.tag, "refusing to create a tag with a digest reference");
    const stored = await this.#removals.run(image.id, async () => {
      if (this.#store.get(image.id) !== image) throw this.#store.noSuchImage(source);
      return await this.#store.put(tagged, image.target, image);
    });
    this.#namedAnew(stored, tagged);
  }

  async remove(ref: string, options: { force: boolean; noPrune: boolean }): Promise<api.ImageDeleteItem[]> {
    return removeImage(this.#changes(), ref, options);
  }

  async prune(filters: Filters): Promise<api.ImagePruneResponse> {
    return pruneImages(this.#changes(), filters);
  }

  /** `docker login`: whether the registry takes these credentials. */
  async checkAuth(auth: api.AuthConfig): Promise<api.AuthResponse> {
    const { certsDirectory, insecureRegistries = [], env, userAgent, naming } = this.#options;
    const domain = registryOfLogin(auth.serveraddress, naming);
    const hosts = await registryHostsOf(domain, { ...(certsDirectory !== undefined && { certsDirectory }), insecureRegistries });
    const transport = new HttpTransport({ env, userAgent });
    try {
      return await checkLogin({
        transport,
        hosts,
        credentials: credentialsOf(auth),
        signal: AbortSignal.timeout(loginTimeoutMs),
      });
    } finally {
      transport.close();
    }
  }

  /** For `system df`. */
  async diskUsage(): Promise<ImageDiskUsage> {
    return diskUsageOf(this.#changes());
  }

  async resolve(reference: string, platform?: string): Promise<ResolvedImage> {
    const image = await this.#find(reference, platform);
    const name = this.#nameUsed(image, reference) ?? image.names.find(isTagged) ?? image.names[0];
    const { config } = image;
    return {
      id: image.id,
      reference: name?.name ?? image.id,
      manifestDigest: image.manifestDescriptor.digest,
      architecture: config.architecture,
      os: config.os,
      ...(config.variant && { variant: config.variant }),
      config: config.config ?? {},
      chainId: image.chainId,
    };
  }

  async ensureUnpacked(
    image: ResolvedImage,
    snapshotter: string,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    const stored = this.#store.get(image.id);
    if (stored === undefined) throw this.#store.noSuchImage(image.reference);
    if (await this.#unpacker.isUnpacked(snapshotter, stored.config)) return;
    const lease = await this.#leases.take("unpack");
    try {
      await this.#unpacker.unpackAll(snapshotter, stored, lease, signal);
    } finally {
      await lease.release({ collect: false });
    }
  }

  /** The image, or its sibling for the platform asked for. */
  async #find(ref: string, platform: string | undefined): Promise<StoredImage> {
    const image = this.#store.require(ref);
    if (platform === undefined || platform === "") return image;
    const wanted = this.#words.platform(platform);
    const found = await this.#store.forPlatform(image, wanted);
    if (found !== undefined) return found;
    throw notFound(
      `image with reference ${ref} was found but does not provide the specified platform (${formatPlatform(wanted)}): it is for ${formatPlatform(image.config)}`,
    );
  }

  #nameUsed(image: StoredImage, ref: string): ImageName | undefined {
    return image.names.find(({ reference }) =>
      [formatReference(reference), this.#words.shown(reference)].some((text) => text === ref || text === `${ref}:latest`),
    );
  }

  /** Tells of a name; returns it as Docker shows it. */
  #namedAnew(image: StoredImage, name: Reference | undefined): string {
    if (name === undefined) return "";
    const shown = this.#words.shown(name);
    this.#events.publish("tag", image, shown);
    return shown;
  }

  #queries(): ListDeps {
    const { naming, clock } = this.#options;
    return { store: this.#store, sizes: this.#sizes, naming, now: () => clock.now() };
  }

  #changes(): ListDeps & RemoveDeps & LoadDeps {
    const { containerd, snapshotter, clock } = this.#options;
    const usedBy = (imageId: string): Iterable<ImageUser> => this.#options.usedBy(imageId);
    return {
      ...this.#queries(),
      containerd,
      snapshotter,
      clock,
      leases: this.#leases,
      unpacker: this.#unpacker,
      events: this.#events,
      usedBy,
      removals: this.#removals,
    };
  }

  readonly #connect = ({ reference, credentials }: Pick<PullRequest, "reference" | "credentials">): Promise<OpenedRepository> =>
    openRepository(this.#options, reference, credentials);

  #pushDeps(): PushDeps {
    return {
      ...this.#changes(),
      chains: this.#options.chains,
      places: this.#uploads,
      connect: this.#connect,
    };
  }

  #pullDeps(): PullDeps {
    return {
      ...this.#changes(),
      blobs: this.#blobs,
      chains: this.#options.chains,
      connect: this.#connect,
    };
  }
}
