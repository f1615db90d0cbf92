import { randomBytes } from "node:crypto";
import type { Mount } from "@pouchcontainer/containerd";
import { chainIdOf, type ContentDescriptor, type ImageRunConfig, type Platform, type Reference } from "@pouchcontainer/oci";
import type { LoadDeps } from "../archive/load-archive.ts";
import { hasContent } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";
import type { ImageDocuments } from "../store/image-documents.ts";
import type { StoredImage } from "../store/image-store.ts";
import { writeImage, type NewImage } from "./new-image.ts";
import type { ShownDrafts } from "./shown-drafts.ts";
import { keysAnnotation, stepKey, stepOf, type KnownStep } from "./step-keys.ts";

/** An image as far as a build has come with it; none that anybody sees before it is shown or kept. */
export interface Draft {
  /** The digest of its configuration, as of any image. */
  readonly id: string;
  readonly documents: ImageDocuments;
  readonly target: ContentDescriptor;
  /** The image it was begun with. */
  readonly begin: string;
  /** Keys of the steps since then. */
  readonly keys: readonly string[];
}

/** What a build begins with nothing has. */
export interface Scratch {
  readonly id: "";
  readonly platform: Platform;
}

/** What a step makes of the draft before it. */
export type DraftStep = Pick<NewImage, "layer" | "author" | "createdBy"> & {
  config: ImageRunConfig;
  /** Of what it was made, beside the draft before it; undefined where no other build can take it up. */
  madeOf: unknown;
};

export interface DraftDeps extends LoadDeps {
  shown: ShownDrafts;
}

/** A tree to work in, until it is let go. */
export interface DraftFiles {
  mounts: readonly Mount[];
  release(): Promise<void>;
}

/**
 * Images that a build makes one of another. All they are made of is held by one lease: what was neither kept nor named goes with it,
 * whatever the build, the daemon or containerd dies of.
 */
export class ImageDrafts {
  readonly #deps: DraftDeps;
  readonly #lease: Lease;
  readonly #shown = new Set<string>();

  static async open(deps: DraftDeps): Promise<ImageDrafts> {
    return new ImageDrafts(deps, await deps.leases.take("build"));
  }

  private constructor(deps: DraftDeps, lease: Lease) {
    this.#deps = deps;
    this.#lease = lease;
  }

  /** Begins with an image. It may be removed meanwhile: what it is made of stays until the end. */
  async begin(image: StoredImage, signal: AbortSignal): Promise<Draft> {
    const { id, target, manifestDescriptor, manifest, config } = image;
    for (const { digest } of [target, manifestDescriptor, manifest.config, ...manifest.layers])
      await this.#lease.holdContent(digest);
    await this.#deps.unpacker.unpackAll(this.#deps.snapshotter, image, this.#lease, signal);
    return { id, documents: { manifestDescriptor, manifest, config }, target, begin: id, keys: [] };
  }

  async next(before: Draft | Scratch, step: DraftStep, signal: AbortSignal): Promise<Draft> {
    return await this.#next(before, step, step.layer, undefined, signal);
  }

  /** The same as far as an earlier build has made it; `trusted` are images whose steps count as well. */
  async known(
    before: Draft | Scratch,
    step: Omit<DraftStep, "layer">,
    trusted: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Draft | undefined> {
    const key = keyOf(before, step);
    const { store, containerd } = this.#deps;
    const steps = [...store.images()]
      .filter((image) => store.isBuilt(image) || trusted.has(image.id))
      .flatMap((image) => stepOf(image, key) ?? []);
    const [newest] = steps.toSorted((one, other) => createdAt(other) - createdAt(one));
    if (newest === undefined) return undefined;
    if (newest.layer) {
      const { digest } = newest.layer.descriptor;
      await this.#lease.holdContent(digest);
      // Its image may have been removed before it was held.
      if (!(await hasContent(containerd.content, digest))) return undefined;
    }
    return await this.#next(before, step, newest.layer, newest.history.created, signal);
  }

  /** Makes an image of it that has no name and is there until the end; containers are made of images. */
  async show(draft: Draft): Promise<void> {
    if (this.#shown.has(draft.id) || !(await this.#deps.shown.show(draft))) return;
    this.#shown.add(draft.id);
  }

  /** It is an image that stays, under these names. */
  async keep({ id, documents, target, keys }: Draft, names: readonly Reference[]): Promise<StoredImage> {
    const { store, shown } = this.#deps;
    shown.keep(id);
    if (keys.length > 0) store.noteBuilt(documents);
    let image = await store.putDangling(target, documents);
    for (const name of names) image = await store.put(name, target, documents);
    return image;
  }

  /** Its files, to be changed for the layer of the next step. */
  async writable(draft: Draft | Scratch): Promise<DraftFiles> {
    return await this.#files((key, parent) => this.#snapshots.prepare(key, parent, {}, { leaseId: this.#lease.id }), draft);
  }

  /** Its files, which stay as they are. */
  async readable(draft: Draft | Scratch): Promise<DraftFiles> {
    if (chainOf(draft) === "") return { mounts: [], release: () => Promise.resolve() };
    return await this.#files((key, parent) => this.#snapshots.view(key, parent, {}, { leaseId: this.#lease.id }), draft);
  }

  /** Lets go of all that was not kept. */
  async close(options: { afterOutage: boolean }): Promise<void> {
    try {
      for (const id of this.#shown) await this.#deps.shown.hide(id);
    } finally {
      await this.#lease.release({ collect: true, ...options });
    }
  }

  get #snapshots(): ReturnType<DraftDeps["containerd"]["snapshots"]> {
    return this.#deps.containerd.snapshots(this.#deps.snapshotter);
  }

  async #files(open: (key: string, parent: string) => Promise<Mount[]>, draft: Draft | Scratch): Promise<DraftFiles> {
    const key = `build-${randomBytes(8).toString("hex")}`;
    const mounts = await open(key, chainOf(draft));
    return { mounts, release: () => this.#snapshots.remove(key) };
  }

  async #next(
    before: Draft | Scratch,
    step: Omit<DraftStep, "layer">,
    layer: DraftStep["layer"],
    created: string | undefined,
    signal: AbortSignal,
  ): Promise<Draft> {
    const { config, author, createdBy } = step;
    const keys = [...keysOf(before), keyOf(before, step)];
    const parent = "documents" in before ? before.documents : undefined;
    const documents = await writeImage(
      this.#deps,
      this.#lease,
      {
        ...(parent && { parent }),
        platform: parent?.config ?? platformOf(before),
        layer,
        config,
        author,
        comment: "",
        createdBy,
        annotations: keysAnnotation(keys),
        ...(created !== undefined && { created }),
      },
      signal,
    );
    const { snapshotter, unpacker } = this.#deps;
    // Without a layer of its own it has the files of the one before, which are there.
    if (layer === undefined) await unpacker.tie(snapshotter, documents);
    else await unpacker.unpackAll(snapshotter, documents, this.#lease, signal);
    const { manifestDescriptor: target, manifest } = documents;
    return { id: manifest.config.digest, documents, target, begin: beginOf(before), keys };
  }
}

const keysOf = (draft: Draft | Scratch): readonly string[] => ("keys" in draft ? draft.keys : []);
const beginOf = (draft: Draft | Scratch): string => ("begin" in draft ? draft.begin : "");
const chainOf = (draft: Draft | Scratch): string =>
  "documents" in draft ? chainIdOf(draft.documents.config.rootfs.diff_ids) : "";
const createdAt = ({ history }: KnownStep): number => Date.parse(history.created ?? "") || 0;

function platformOf(draft: Draft | Scratch): Platform {
  return "platform" in draft ? draft.platform : draft.documents.config;
}

/** Two steps of the same text may leave other configurations, which count for what comes after them. */
function keyOf(before: Draft | Scratch, { config, author, madeOf }: Omit<DraftStep, "layer">): string {
  // What has no key of its own has one that nothing else has.
  const made = madeOf ?? randomBytes(16).toString("hex");
  return stepKey(beginOf(before), keysOf(before), [config, author, made]);
}
