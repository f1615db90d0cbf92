import { Readable } from "node:stream";
import { internal, notFound } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import {
  digestHex,
  familiarReference,
  familiarRepository,
  formatReference,
  idPrefixOf,
  MediaType,
  parseReference,
  repositoryOf,
  type ContentDescriptor,
  type NamingDefaults,
  type Platform,
} from "@pouchcontainer/oci";
import { pack as tarPack, type Pack } from "tar-stream";
import { hasContent, type ImageServices } from "../containerd-services.ts";
import type { ImageEvents } from "../image-events.ts";
import type { Lease, Leases } from "../lease.ts";
import { isTagged, type ImageName, type ImageStore, type StoredImage } from "../store/image-store.ts";

export interface SaveDeps {
  containerd: ImageServices;
  store: ImageStore;
  events: ImageEvents;
  naming: NamingDefaults;
  leases: Leases;
}

interface Selected {
  image: StoredImage;
  names: ImageName[];
}

/** Images as one tar that is both an OCI layout and what `docker load` reads. The same images give the same bytes. */
export async function saveArchive(
  deps: SaveDeps,
  refs: string[],
  platform: Platform | undefined,
  signal: AbortSignal,
): Promise<Readable> {
  const selected = await select(deps, refs, platform);
  const lease = await deps.leases.take("save");
  try {
    for (const { image } of selected) await hold(deps, image, lease);
  } catch (error) {
    await lease.release({ collect: false });
    throw error;
  }
  const pack = tarPack();
  inBackground("writing an archive of images", () => writeAndRelease(deps, pack, selected, lease, signal));
  for (const { image } of selected) deps.events.publish("save", image);
  // Its own stream class; a Readable is what the callers' pipelines take.
  return Readable.from(pack, { objectMode: false, highWaterMark: 1024 * 1024 });
}

/** A repository without tag means all its tags; an id means the image without a name. */
async function select(deps: SaveDeps, refs: string[], platform: Platform | undefined): Promise<Selected[]> {
  const selected = new Map<string, Selected>();
  const add = async (image: StoredImage, names: ImageName[]): Promise<void> => {
    const chosen = platform === undefined ? image : await deps.store.forPlatform(image, platform);
    if (chosen === undefined) throw notFound(`image ${image.id} is not here for the platform asked for`);
    const known = selected.get(chosen.id) ?? { image: chosen, names: [] };
    selected.set(chosen.id, { image: chosen, names: [...new Set([...known.names, ...names])] });
  };
  for (const ref of refs) {
    const repository = repositoryNamed(deps, ref);
    const images =
      repository === undefined
        ? []
        : [...deps.store.images()].filter(({ names }) => names.some((name) => isTagIn(name, repository)));
    for (const image of images)
      await add(
        image,
        image.names.filter((name) => repository !== undefined && isTagIn(name, repository)),
      );
    if (images.length > 0) continue;
    const image = deps.store.require(ref);
    await add(
      image,
      image.names.filter(({ name }) => isTaggedAs(deps, ref, name)),
    );
  }
  return [...selected.values()];
}

function isTagIn(name: ImageName, repository: string): boolean {
  return isTagged(name) && repositoryOf(name.reference) === repository;
}

function repositoryNamed(deps: SaveDeps, ref: string): string | undefined {
  if (idPrefixOf(ref)?.length === 64) return undefined;
  const reference = parseReference(ref, deps.naming);
  return reference.tag === undefined && reference.digest === undefined ? repositoryOf(reference) : undefined;
}

function isTaggedAs(deps: SaveDeps, ref: string, name: string): boolean {
  if (idPrefixOf(ref)?.length === 64) return false;
  const reference = parseReference(ref, deps.naming);
  return reference.digest === undefined && formatReference(reference) === name;
}

async function hold({ containerd }: SaveDeps, image: StoredImage, lease: Lease): Promise<void> {
  for (const { digest } of [image.manifestDescriptor, image.manifest.config, ...image.manifest.layers]) {
    await lease.holdContent(digest);
    if (!(await hasContent(containerd.content, digest)))
      throw notFound(`content of image ${image.id} is not here: blob ${digest} is missing`);
  }
}

/** Never rejects: a failure is the stream's, and a lease that cannot be given back expires. */
async function writeAndRelease(
  deps: SaveDeps,
  pack: Pack,
  selected: Selected[],
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  try {
    await write(deps, pack, selected, signal);
    pack.finalize();
  } catch (error) {
    pack.destroy(error instanceof Error ? error : internal(String(error)));
  }
  await lease.release({ collect: false }).catch(() => undefined);
}

async function write(deps: SaveDeps, pack: Pack, selected: Selected[], signal: AbortSignal): Promise<void> {
  // What dockerd makes of no names at all.
  if (selected.length === 0) return writeFile(pack, "manifest.json", null);
  const written = new Set<string>();
  for (const { image } of selected) {
    for (const descriptor of [...image.manifest.layers, image.manifest.config, image.manifestDescriptor]) {
      if (written.has(descriptor.digest)) continue;
      written.add(descriptor.digest);
      await writeBlob(deps, pack, descriptor, signal);
    }
  }
  await writeFile(pack, "index.json", indexOf(selected));
  await writeFile(
    pack,
    "manifest.json",
    selected.map((item) => manifestItemOf(deps, item)),
  );
  await writeFile(pack, "oci-layout", { imageLayoutVersion: "1.0.0" });
  const repositories = repositoriesOf(deps, selected);
  if (repositories.size > 0) await writeFile(pack, "repositories", documentOf(repositories));
}

function pathOf(digest: string): string {
  return `blobs/${digest.slice(0, digest.indexOf(":"))}/${digestHex(digest)}`;
}

function indexOf(selected: Selected[]): object {
  const manifests = selected.flatMap(({ image, names }): ContentDescriptor[] => {
    const { mediaType, digest, size } = image.manifestDescriptor;
    const { os, architecture, variant } = image.config;
    const descriptor = { mediaType, digest, size, platform: { architecture, os, ...(variant && { variant }) } };
    if (names.length === 0) return [descriptor];
    return names.map(({ name, reference }) => ({
      ...descriptor,
      annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": reference.tag ?? "" },
    }));
  });
  return { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
}

function manifestItemOf({ naming }: SaveDeps, { image, names }: Selected): object {
  return {
    Config: pathOf(image.manifest.config.digest),
    RepoTags: names.length === 0 ? null : names.map(({ reference }) => familiarReference(reference, naming)),
    Layers: image.manifest.layers.map(({ digest }) => pathOf(digest)),
  };
}

/** Tags and what they stand for, by repository. Maps: a repository may be called `constructor`, a tag `__proto__`. */
type Repositories = ReadonlyMap<string, ReadonlyMap<string, string>>;

function repositoriesOf({ naming }: SaveDeps, selected: Selected[]): Repositories {
  const repositories = new Map<string, Map<string, string>>();
  for (const { image, names } of selected) {
    for (const { reference } of names) {
      const repository = familiarRepository(reference, naming);
      const tags = repositories.get(repository) ?? new Map<string, string>();
      repositories.set(repository, tags);
      tags.set(reference.tag ?? "", digestHex(image.manifest.layers.at(-1)?.digest ?? image.id));
    }
  }
  return repositories;
}

const documentOf = (repositories: Repositories): object =>
  Object.fromEntries([...repositories].map(([repository, tags]) => [repository, Object.fromEntries(tags)]));

/** Everything that could differ from one run to the next is fixed. */
const epoch = new Date(0);

/** A reader that goes away breaks the entry at work, at whatever moment; the writer hears of it with its next write. */
function entryOf(pack: Pack, name: string, size: number): ReturnType<Pack["entry"]> {
  const entry = pack.entry({ name, size, mtime: epoch, mode: 0o644 });
  entry.on("error", () => undefined);
  return entry;
}

async function writeFile(pack: Pack, name: string, document: object | null): Promise<void> {
  // With a line's end, as dockerd writes them.
  const bytes = Buffer.from(`${JSON.stringify(document)}\n`);
  const entry = entryOf(pack, name, bytes.length);
  await end(entry, () => entry.end(bytes));
}

async function writeBlob(
  { containerd }: SaveDeps,
  pack: Pack,
  { digest, size }: ContentDescriptor,
  signal: AbortSignal,
): Promise<void> {
  const entry = entryOf(pack, pathOf(digest), size);
  for await (const chunk of containerd.content.read(digest, {}, { signal })) {
    if (pack.destroyed) throw internal("the client went away");
    if (!entry.write(chunk)) await drained(entry, pack);
  }
  await end(entry, () => entry.end(null));
}

function drained(entry: NodeJS.EventEmitter, pack: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      pack.off("close", gone);
      entry.off("drain", done);
      resolve();
    };
    const gone = (): void => reject(internal("the client went away"));
    entry.once("drain", done);
    pack.once("close", gone);
  });
}

function end(entry: NodeJS.EventEmitter, finish: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    entry.once("finish", resolve);
    entry.once("error", reject);
    entry.once("close", () => reject(internal("the client went away")));
    finish();
  });
}
