import { setImmediate } from "node:timers/promises";
import { isOutage, type Descriptor, type ImageRecord } from "@pouchcontainer/containerd";
import { internal, invalidArgument, messageChain, notFound } from "@pouchcontainer/errors";
import {
  chainIdOf,
  formatPlatform,
  formatReference,
  idPrefixOf,
  InvalidReferenceError,
  parseReference,
  parseTaggedReference,
  familiarReference,
  repositoryOf,
  type NamingDefaults,
  type Platform,
  type Reference,
} from "@pouchcontainer/oci";
import type { ImageServices } from "../containerd-services.ts";
import { readImageDocuments, type ImageDocuments } from "./image-documents.ts";

/** A name of an image: one record in containerd's image store. */
export interface ImageName {
  /** Key in containerd, the normalised reference. */
  name: string;
  reference: Reference;
  target: Descriptor;
  /** Two names may reach one config by different manifests. */
  documents: ImageDocuments;
  /** Milliseconds since the epoch. */
  taggedAt: number;
}

/** An image that is here, under any number of names. */
export interface StoredImage extends ImageDocuments {
  /** Digest of the config, as Docker identifies images. */
  id: string;
  chainId: string;
  /** Manifest, or the index it was found in. */
  target: Descriptor;
  names: ImageName[];
}

/** The containerd record that keeps an image without a name from the collector. */
const danglingPrefix = "pouch-dangling@";
/** On a record whose target is an index: which of its manifests the name stands for. */
const manifestLabel = "io.pouchcontainer.image.manifest";
/** On a record of an image that a build of this daemon made: the manifest whose steps may be taken up by other builds. */
const builtLabel = "io.pouchcontainer.image.built";
/** How many records are read from containerd at once at start. */
const loadWidth = 8;

export interface ImageStoreDeps {
  containerd: Pick<ImageServices, "images" | "content">;
  naming: NamingDefaults;
  platform: Platform;
  now(): number;
  /** See `Store.removal`. */
  removal<T>(work: () => Promise<T>): Promise<T>;
  /** For records that cannot be read: they are left alone. */
  warn(message: string): void;
}

/**
 * Names and images, with Docker's meaning of both, over containerd's image store. What is here is also in memory, so that
 * looking up and listing ask nobody; every change goes to containerd first.
 */
export class ImageStore {
  readonly #deps: ImageStoreDeps;
  readonly #images = new Map<string, StoredImage>();
  readonly #idByName = new Map<string, string>();
  /** Digests of the manifests that builds made, by the image's id. */
  readonly #built = new Map<string, string>();
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(deps: ImageStoreDeps) {
    this.#deps = deps;
  }

  /** Reads what containerd has. */
  async load(): Promise<void> {
    const records = await this.#deps.containerd.images.list();
    const next = records.values();
    const reader = async (): Promise<void> => {
      for (const record of next) {
        await this.#adopt(record);
        await setImmediate();
      }
    };
    await Promise.all(Array.from({ length: loadWidth }, reader));
  }

  images(): IterableIterator<StoredImage> {
    return this.#images.values();
  }

  get(id: string): StoredImage | undefined {
    return this.#images.get(id);
  }

  byName(name: string): StoredImage | undefined {
    const id = this.#idByName.get(name);
    return id === undefined ? undefined : this.#images.get(id);
  }

  /** Whether a build of this daemon made it. The same image may come from elsewhere with another manifest, which says what it likes. */
  isBuilt({ id, manifestDescriptor }: StoredImage): boolean {
    return this.#built.get(id) === manifestDescriptor.digest;
  }

  /** Says so of one that is about to be put here. Of one that is here already its first manifest counts. */
  noteBuilt({ manifest, manifestDescriptor }: ImageDocuments): void {
    const id = manifest.config.digest;
    if (!this.#built.has(id)) this.#built.set(id, manifestDescriptor.digest);
  }

  /** Finds by name, name and digest, id or the beginning of an id, in this order. */
  find(text: string): StoredImage | undefined {
    const prefix = idPrefixOf(text);
    if (prefix?.length === 64) return this.#images.get(`sha256:${prefix}`) ?? this.#byManifest(`sha256:${prefix}`);
    const named = this.#findNamed(text);
    if (named !== undefined || prefix === undefined) return named;
    const matches = [...this.#images.keys()].filter((id) => id.startsWith(`sha256:${prefix}`));
    return matches.length === 1 ? this.#images.get(matches[0] ?? "") : undefined;
  }

  /** `find`, or Docker's error. */
  require(text: string): StoredImage {
    const image = this.find(text);
    if (image === undefined) throw this.noSuchImage(text);
    return image;
  }

  /** Docker's error for a name nothing has: another one where it cannot be a name. */
  noSuchImage(text: string): Error {
    if (idPrefixOf(text)?.length === 64 || text.startsWith("sha256:")) return notFound(`No such image: ${text}`);
    try {
      const reference = parseTaggedReference(text, this.#deps.naming);
      return notFound(`No such image: ${familiarReference(reference, this.#deps.naming)}`);
    } catch (error) {
      if (error instanceof InvalidReferenceError) return invalidArgument(error.message, { cause: error });
      throw error;
    }
  }

  /** The same image for another platform, when its content is here too. */
  async forPlatform(image: StoredImage, platform: Platform): Promise<StoredImage | undefined> {
    if (formatPlatform(image.config) === formatPlatform(platform)) return image;
    const documents = await readImageDocuments(this.#deps.containerd, image.target, { platform, strict: true });
    if (documents === undefined || formatPlatform(documents.config) !== formatPlatform(platform)) return undefined;
    return { ...describe(documents, image.target), names: image.names };
  }

  /** Gives an image a name, taking it from another; one that loses its last name stays, dangling. */
  async put(reference: Reference, target: Descriptor, documents: ImageDocuments): Promise<StoredImage> {
    if (reference.digest !== undefined && reference.digest !== target.digest)
      throw internal(`the image ${target.digest} cannot have the name of the digest ${reference.digest}`);
    return this.#exclusively(async () => {
      const name = formatReference(reference);
      const previous = this.byName(name);
      const id = documents.manifest.config.digest;
      if (previous !== undefined && previous.id !== id && previous.names.length === 1) await this.#keepDangling(previous);
      await this.#write(name, target, documents);
      const image = this.#remember(name, reference, target, documents);
      await this.#dropDangling(id);
      return image;
    });
  }

  /** Keeps an image that has no name. */
  async putDangling(target: Descriptor, documents: ImageDocuments): Promise<StoredImage> {
    return this.#exclusively(async () => {
      const id = documents.manifest.config.digest;
      const known = this.#images.get(id);
      if (known !== undefined) return known;
      await this.#write(danglingPrefix + id, target, documents);
      return this.#image(target, documents);
    });
  }

  /** Takes a name off an image, unless it has moved to another; the image stays, dangling if it was the last. */
  async untag(name: string, id: string): Promise<boolean> {
    return await this.#exclusively(async () => {
      const image = this.byName(name);
      if (image?.id !== id) return false;
      if (image.names.length === 1) await this.#deps.removal(() => this.#keepDangling(image));
      await this.#deps.removal(() => this.#deps.containerd.images.delete(name));
      this.#forgetName(name, image);
      return true;
    });
  }

  /** Removes an image with all its names; waits until containerd has collected what nothing else uses. */
  async delete(id: string): Promise<boolean> {
    return await this.#exclusively(async () => {
      const image = this.#images.get(id);
      if (image === undefined || image.names.length > 0) return false;
      await this.#deps.removal(() => this.#deps.containerd.images.delete(danglingPrefix + id, { sync: true }));
      this.#images.delete(id);
      this.#built.delete(id);
      return true;
    });
  }

  /** Changes run one after the other: a name moves in several steps. */
  async #exclusively<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(change, change);
    this.#lastChange = result.catch(() => undefined);
    return result;
  }

  #findNamed(text: string): StoredImage | undefined {
    const reference = this.#tryParse(text);
    if (reference === undefined) return undefined;
    if (reference.digest === undefined) return this.byName(formatReference(reference));
    const { domain, path, digest } = reference;
    const exact = this.byName(formatReference({ domain, path, digest }));
    if (exact !== undefined) return exact;
    const repository = repositoryOf(reference);
    const inRepository = (image: StoredImage): boolean => image.names.some((name) => repositoryOf(name.reference) === repository);
    return this.#images
      .values()
      .find((image) => inRepository(image) && [image.id, image.manifestDescriptor.digest, image.target.digest].includes(digest));
  }

  #byManifest(digest: string): StoredImage | undefined {
    return this.#images.values().find((image) => image.manifestDescriptor.digest === digest || image.target.digest === digest);
  }

  #tryParse(text: string): Reference | undefined {
    try {
      return parseTaggedReference(text, this.#deps.naming);
    } catch (error) {
      if (error instanceof InvalidReferenceError) return undefined;
      throw error;
    }
  }

  async #adopt(record: ImageRecord): Promise<void> {
    const { name, target } = record;
    try {
      const manifestDigest = record.labels[manifestLabel];
      const documents = await readImageDocuments(this.#deps.containerd, target, {
        platform: this.#deps.platform,
        manifestDigest,
      });
      if (documents === undefined) return this.#deps.warn(`image ${name} is left out: its content is not here`);
      const built = record.labels[builtLabel];
      if (built) this.#built.set(documents.manifest.config.digest, built);
      if (name.startsWith(danglingPrefix)) this.#image(target, documents);
      else this.#remember(name, parseReference(name), target, documents, (record.updatedAt ?? record.createdAt)?.getTime());
    } catch (error) {
      if (isOutage(error)) throw error;
      this.#deps.warn(`image ${name} is left out: ${messageChain(error)}`);
    }
  }

  async #write(name: string, target: Descriptor, documents: ImageDocuments): Promise<void> {
    const { digest } = documents.manifestDescriptor;
    const built = this.#built.get(documents.manifest.config.digest);
    const labels: Record<string, string> = {
      ...(digest !== target.digest && { [manifestLabel]: digest }),
      ...(built && { [builtLabel]: built }),
    };
    await this.#deps.containerd.images.put({ name, target, labels });
  }

  async #keepDangling(image: StoredImage): Promise<void> {
    await this.#write(danglingPrefix + image.id, image.target, image);
  }

  async #dropDangling(id: string): Promise<void> {
    await this.#deps.containerd.images.delete(danglingPrefix + id);
  }

  #remember(
    name: string,
    reference: Reference,
    target: Descriptor,
    documents: ImageDocuments,
    taggedAt = this.#deps.now(),
  ): StoredImage {
    const previous = this.byName(name);
    if (previous !== undefined) this.#forgetName(name, previous);
    const image = this.#image(target, documents);
    const isSame = image.manifestDescriptor.digest === documents.manifestDescriptor.digest;
    image.names.push({ name, reference, target, documents: documentsOf(isSame ? image : documents), taggedAt });
    image.names.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#idByName.set(name, image.id);
    showHeld(image);
    return image;
  }

  #image(target: Descriptor, documents: ImageDocuments): StoredImage {
    const described = describe(documents, target);
    const known = this.#images.get(described.id);
    if (known !== undefined) return known;
    const image: StoredImage = { ...described, names: [] };
    this.#images.set(image.id, image);
    return image;
  }

  #forgetName(name: string, image: StoredImage): void {
    image.names = image.names.filter((item) => item.name !== name);
    this.#idByName.delete(name);
    showHeld(image);
  }
}

/**
 * An image shows the documents of one of its names. Those of a name that was taken off, or of the record that kept it while
 * it had none, are the collector's.
 */
function showHeld(image: StoredImage): void {
  const isShown = ({ target, documents }: ImageName): boolean =>
    target.digest === image.target.digest && documents.manifestDescriptor.digest === image.manifestDescriptor.digest;
  const held = image.names.find(isShown) ?? image.names[0];
  if (held === undefined || isShown(held)) return;
  Object.assign(image, documentsOf(held.documents), { target: plain(held.target) });
}

/** The documents and nothing else: who gives an image a name may have more in the same object, of the same names as ours. */
function documentsOf({ manifestDescriptor, manifest, config }: ImageDocuments): ImageDocuments {
  return { manifestDescriptor, manifest, config };
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function describe(documents: ImageDocuments, target: Descriptor): Omit<StoredImage, "names"> {
  return {
    ...documentsOf(documents),
    target: plain(target),
    id: documents.manifest.config.digest,
    chainId: chainIdOf(documents.config.rootfs.diff_ids),
  };
}

export function isTagged(name: ImageName): boolean {
  return name.reference.digest === undefined;
}

export function tagsOf(image: StoredImage, naming: NamingDefaults): string[] {
  return image.names.filter(isTagged).map(({ reference }) => familiarReference(reference, naming));
}

export function digestsOf(image: StoredImage, naming: NamingDefaults): string[] {
  return image.names.filter((name) => !isTagged(name)).map(({ reference }) => familiarReference(reference, naming));
}
