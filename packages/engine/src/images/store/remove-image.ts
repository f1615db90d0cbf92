import type { ImageDeleteItem } from "@pouchcontainer/api";
import { conflict } from "@pouchcontainer/errors";
import {
  chainIdsOf,
  familiarReference,
  idPrefixOf,
  parseTaggedReference,
  repositoryOf,
  shortId,
  type NamingDefaults,
} from "@pouchcontainer/oci";
import type { KeyedMutex } from "../../keyed-mutex.ts";
import type { ImageEvents } from "../image-events.ts";
import type { ImageSizes } from "./image-sizes.ts";
import { isTagged, type ImageName, type ImageStore, type StoredImage } from "./image-store.ts";

/** A container made from an image. */
export interface ImageUser {
  id: string;
  running: boolean;
}

export interface RemoveDeps {
  store: ImageStore;
  sizes: ImageSizes;
  naming: NamingDefaults;
  events: ImageEvents;
  usedBy(imageId: string): Iterable<ImageUser>;
  /** By image: a removal takes several steps. What is removed twice at once is not there the second time, and gets no name meanwhile. */
  removals: KeyedMutex;
}

/**
 * Docker's removal: a name is taken off first, and the image goes when it was the last one. Which conflicts count, and in which
 * order they are told, follows moby's `daemon/images/image_delete.go`.
 */
export async function removeImage(deps: RemoveDeps, ref: string, options: { force: boolean }): Promise<ImageDeleteItem[]> {
  for (;;) {
    const { id } = deps.store.require(ref);
    const items = await deps.removals.run(id, async () => {
      const image = deps.store.require(ref);
      return image.id === id ? await removeHeld(deps, image, ref, options) : undefined;
    });
    // The name has moved to another image meanwhile.
    if (items !== undefined) return items;
  }
}

/** The same for who has the image's place in `removals`; the reference is one of this image. */
export async function removeHeld(
  deps: RemoveDeps,
  image: StoredImage,
  ref: string,
  options: { force: boolean },
): Promise<ImageDeleteItem[]> {
  const items: ImageDeleteItem[] = [];
  if (isIdOf(image, ref)) {
    if (isSingleReference(image.names)) {
      refuseUsed(deps, image, options, { references: false });
      await untagAll(deps, image, items);
    }
    refuseUsed(deps, image, options, { references: true });
  } else {
    if (!options.force && isSingleReference(image.names)) refuseUntag(deps, image, ref);
    await untagByName(deps, image, ref, items);
    if (image.names.length > 0) return items;
    // The name is off as asked; that a container keeps the image itself is no failure then.
    if (usersOf(deps, image).some(({ running }) => running || !options.force)) return items;
  }
  await untagAll(deps, image, items);
  await deleteImage(deps, image, items);
  return items;
}

/** The reference is an id, the beginning of one, or a manifest's digest, which names the image by its content as an id does. */
function isIdOf(image: StoredImage, ref: string): boolean {
  const prefix = idPrefixOf(ref);
  return prefix !== undefined && (prefix.length === 64 || image.id.startsWith(`sha256:${prefix}`));
}

/** At most one tag, and everything within one repository. */
function isSingleReference(names: readonly ImageName[]): boolean {
  if (names.filter(isTagged).length > 1) return false;
  return new Set(names.map(({ reference }) => repositoryOf(reference))).size <= 1;
}

function usersOf(deps: RemoveDeps, image: StoredImage): ImageUser[] {
  return [...deps.usedBy(image.id)];
}

function refuseUntag(deps: RemoveDeps, image: StoredImage, ref: string): void {
  const [user] = usersOf(deps, image);
  if (user === undefined) return;
  throw conflict(
    `conflict: unable to remove repository reference "${ref}" (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
  );
}

function refuseUsed(
  deps: RemoveDeps,
  image: StoredImage,
  { force }: { force: boolean },
  { references }: { references: boolean },
): void {
  const users = usersOf(deps, image);
  const refuse = (how: string, why: string): never => {
    throw conflict(`conflict: unable to delete ${shortId(image.id)} (${how}) - ${why}`);
  };
  const running = users.find((user) => user.running);
  if (running !== undefined) refuse("cannot be forced", `image is being used by running container ${shortId(running.id)}`);
  if (force) return;
  if (references && image.names.length > 0) refuse("must be forced", "image is referenced in multiple repositories");
  const stopped = users[0];
  if (stopped !== undefined) refuse("must be forced", `image is being used by stopped container ${shortId(stopped.id)}`);
}

/** Takes off the name, and with the last tag of a repository its digests too. */
async function untagByName(deps: RemoveDeps, image: StoredImage, ref: string, items: ImageDeleteItem[]): Promise<void> {
  const reference = parseTaggedReference(ref, deps.naming);
  const repository = repositoryOf(reference);
  const within = image.names.filter((name) => repositoryOf(name.reference) === repository);
  const named =
    within.find((name) =>
      reference.digest === undefined
        ? name.reference.tag === reference.tag && isTagged(name)
        : name.reference.digest === reference.digest,
    ) ?? within[0];
  if (named === undefined) return;
  await untag(deps, image, named, items);
  if (!isTagged(named) || within.some((name) => name !== named && isTagged(name))) return;
  for (const name of within) if (name !== named) await untag(deps, image, name, items);
}

async function untagAll(deps: RemoveDeps, image: StoredImage, items: ImageDeleteItem[]): Promise<void> {
  for (const name of image.names) await untag(deps, image, name, items);
}

async function untag(
  deps: RemoveDeps,
  image: StoredImage,
  { name, reference }: ImageName,
  items: ImageDeleteItem[],
): Promise<void> {
  if (!(await deps.store.untag(name, image.id))) return;
  items.push({ Untagged: familiarReference(reference, deps.naming) });
  deps.events.publish("untag", image);
}

async function deleteImage(deps: RemoveDeps, image: StoredImage, items: ImageDeleteItem[]): Promise<void> {
  // A pull or a load may have given it a name meanwhile.
  if (!(await deps.store.delete(image.id))) return;
  items.push({ Deleted: image.id });
  const kept = new Set([...deps.store.images()].flatMap((other) => chainIdsOf(other.config.rootfs.diff_ids)));
  const gone = chainIdsOf(image.config.rootfs.diff_ids).filter((chainId) => !kept.has(chainId));
  deps.sizes.forget(gone);
  items.push(...gone.toReversed().map((chainId) => ({ Deleted: chainId })));
  deps.events.publish("delete", image);
}
