import { familiarReference, familiarRepository, type NamingDefaults, type Reference } from "@pouchcontainer/oci";
import type { StoredImage } from "./store/image-store.ts";

/** What the images room needs of the event bus. */
export interface EventSink {
  publish(event: { type: "image"; action: string; id: string; attributes: Record<string, string> }): void;
}

/** Image events as Docker words them: the actor of a pull or a push is a name, of all others an image id. */
export class ImageEvents {
  readonly #sink: EventSink;
  readonly #naming: NamingDefaults;

  constructor(deps: { sink: EventSink; naming: NamingDefaults }) {
    this.#sink = deps.sink;
    this.#naming = deps.naming;
  }

  publish(action: "tag" | "untag" | "delete" | "import" | "load" | "save", image: StoredImage, name: string = image.id): void {
    this.#sink.publish({ type: "image", action: action, id: image.id, attributes: { ...image.config.config?.Labels, name } });
  }

  /** Of a push of all tags the reference has none, and there is no image. */
  publishTransfer(action: "pull" | "push", reference: Reference, image?: StoredImage): void {
    const attributes = { ...image?.config.config?.Labels, name: familiarRepository(reference, this.#naming) };
    this.#sink.publish({ type: "image", action, id: familiarReference(reference, this.#naming), attributes });
  }

  publishPrune(reclaimedBytes: number): void {
    this.#sink.publish({ type: "image", action: "prune", id: "", attributes: { reclaimed: String(reclaimedBytes) } });
  }
}
