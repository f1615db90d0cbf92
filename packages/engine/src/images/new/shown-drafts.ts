import type { ContentDescriptor } from "@pouchcontainer/oci";
import type { KeyedMutex } from "../../keyed-mutex.ts";
import type { ImageDocuments } from "../store/image-documents.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ImageUser } from "../store/remove-image.ts";

/** What of a draft makes it an image. */
interface ShownDraft {
  id: string;
  documents: ImageDocuments;
  target: ContentDescriptor;
  /** None of an image that was not built here. */
  keys: readonly string[];
}

interface ShownDraftsDeps {
  store: ImageStore;
  removals: KeyedMutex;
  usedBy(imageId: string): Iterable<ImageUser>;
}

/** Drafts that are images, without a name, as long as a build makes containers of them. */
export class ShownDrafts {
  readonly #deps: ShownDraftsDeps;
  /** How many builds show it, by id. */
  readonly #shown = new Map<string, number>();

  constructor(deps: ShownDraftsDeps) {
    this.#deps = deps;
  }

  /** Whether it is to be hidden again: one that was an image before stays one. */
  async show({ id, documents, target, keys }: ShownDraft): Promise<boolean> {
    const { store } = this.#deps;
    const count = this.#shown.get(id) ?? 0;
    if (count === 0 && store.get(id) !== undefined) return false;
    this.#shown.set(id, count + 1);
    if (keys.length > 0) store.noteBuilt(documents);
    await store.putDangling(target, documents);
    return true;
  }

  /** It is an image from now on, whoever shows it. */
  keep(id: string): void {
    this.#shown.delete(id);
  }

  /** The last who shows it takes it away, unless somebody has named it, or made a container of it that stays. */
  async hide(id: string): Promise<void> {
    const count = this.#shown.get(id);
    if (count === undefined) return;
    if (count > 1) {
      this.#shown.set(id, count - 1);
      return;
    }
    this.#shown.delete(id);
    await this.#deps.removals.run(id, async () => {
      if (!this.#shown.has(id) && [...this.#deps.usedBy(id)].length === 0) await this.#deps.store.delete(id);
    });
  }
}
