import { isKind } from "@pouchcontainer/errors";
import { chainIdsOf } from "@pouchcontainer/oci";
import type { ImageServices } from "../containerd-services.ts";
import type { StoredImage } from "./image-store.ts";

/** Space of unpacked layers. A committed snapshot never changes: each is measured once. */
export class ImageSizes {
  readonly #snapshots: () => ReturnType<ImageServices["snapshots"]>;
  readonly #known = new Map<string, number>();

  constructor(deps: { containerd: Pick<ImageServices, "snapshots">; snapshotter: string }) {
    this.#snapshots = () => deps.containerd.snapshots(deps.snapshotter);
  }

  /** Bytes of each layer, bottom first; one that is not unpacked counts with its size in the registry. */
  async layersOf(image: StoredImage): Promise<{ chainId: string; bytes: number }[]> {
    return Promise.all(
      chainIdsOf(image.config.rootfs.diff_ids).map(async (chainId, index) => ({
        chainId,
        bytes: (await this.#measure(chainId)) ?? image.manifest.layers[index]?.size ?? 0,
      })),
    );
  }

  async totalOf(image: StoredImage): Promise<number> {
    return (await this.layersOf(image)).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** By image id: bytes of layers that another image has too. */
  async sharedOf(images: StoredImage[]): Promise<Map<string, number>> {
    const users = new Map<string, number>();
    const layers = await Promise.all(images.map((image) => this.layersOf(image)));
    for (const { chainId } of layers.flat()) users.set(chainId, (users.get(chainId) ?? 0) + 1);
    const shared = layers.map((stack) =>
      stack.filter(({ chainId }) => (users.get(chainId) ?? 0) > 1).reduce((sum, { bytes }) => sum + bytes, 0),
    );
    return new Map(images.map((image, index) => [image.id, shared[index] ?? 0]));
  }

  /** The layers are gone, or will be measured anew. */
  forget(chainIds: Iterable<string>): void {
    for (const chainId of chainIds) this.#known.delete(chainId);
  }

  async #measure(chainId: string): Promise<number | undefined> {
    const known = this.#known.get(chainId);
    if (known !== undefined) return known;
    try {
      const { sizeBytes } = await this.#snapshots().usage(chainId);
      this.#known.set(chainId, sizeBytes);
      return sizeBytes;
    } catch (error) {
      if (isKind(error, "notFound")) return undefined;
      throw error;
    }
  }
}
