import { randomBytes } from "node:crypto";
import { EngineError, internal, isKind } from "@pouchcontainer/errors";
import { chainIdOf, chainIdsOf, type ContentDescriptor, type ImageConfigFile, type ImageManifest } from "@pouchcontainer/oci";
import { gcLabels, type ImageServices } from "./containerd-services.ts";
import type { Lease } from "./lease.ts";

/** A layer at its place in the stack. */
export interface StackedLayer {
  descriptor: ContentDescriptor;
  diffId: string;
  chainId: string;
  /** Chain id of the layers below, empty for the first. */
  parent: string;
}

export function stackOf(manifest: ImageManifest, config: ImageConfigFile): StackedLayer[] {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw internal(`invalid image: its manifest has ${manifest.layers.length} layers, its config ${diffIds.length}`);
  }
  const chainIds = chainIdsOf(diffIds);
  return manifest.layers.map((descriptor, index) => ({
    descriptor,
    diffId: diffIds[index] ?? "",
    chainId: chainIds[index] ?? "",
    parent: chainIds[index - 1] ?? "",
  }));
}

/** Makes committed snapshots of layers, named by chain id. Two who want the same one share the work. */
export class Unpacker {
  readonly #containerd: ImageServices;
  readonly #running = new Map<string, Promise<void>>();

  constructor(deps: { containerd: ImageServices }) {
    this.#containerd = deps.containerd;
  }

  /** Whether the whole stack is there. */
  async isUnpacked(snapshotter: string, config: ImageConfigFile): Promise<boolean> {
    const top = chainIdOf(config.rootfs.diff_ids);
    return top === "" || this.#exists(snapshotter, top);
  }

  /** Whether the snapshot is there; from here on the lease holds it. */
  async hold(snapshotter: string, chainId: string, lease: Lease): Promise<boolean> {
    if (!(await this.#exists(snapshotter, chainId))) return false;
    await lease.holdSnapshot(snapshotter, chainId);
    // The collector may have come between.
    return this.#exists(snapshotter, chainId);
  }

  /** Unpacks one layer onto its parent, which must be there. */
  async unpackLayer(snapshotter: string, layer: StackedLayer, lease: Lease, signal: AbortSignal): Promise<void> {
    const key = `${snapshotter} ${layer.chainId}`;
    for (;;) {
      signal.throwIfAborted();
      if (await this.hold(snapshotter, layer.chainId, lease)) return;
      const running = this.#running.get(key);
      if (running === undefined) break;
      // Another one's failure, a cancelled pull for example, is not ours: look again and do it here.
      await running.catch(() => undefined);
    }
    const work = this.#apply(snapshotter, layer, lease, signal).finally(() => this.#running.delete(key));
    this.#running.set(key, work);
    await work;
  }

  /** Unpacks what is missing of the stack, then ties the top snapshot to the config for the garbage collector. */
  async unpackAll(
    snapshotter: string,
    image: { manifest: ImageManifest; config: ImageConfigFile },
    lease: Lease,
    signal: AbortSignal,
  ): Promise<void> {
    for (const layer of stackOf(image.manifest, image.config)) await this.unpackLayer(snapshotter, layer, lease, signal);
    await this.tie(snapshotter, image);
  }

  /** While the config is held, so is the stack. */
  async tie(snapshotter: string, image: { manifest: ImageManifest; config: ImageConfigFile }): Promise<void> {
    const top = chainIdOf(image.config.rootfs.diff_ids);
    if (top !== "")
      await this.#containerd.content.updateLabels(image.manifest.config.digest, { [gcLabels.snapshot(snapshotter)]: top });
  }

  async #exists(snapshotter: string, chainId: string): Promise<boolean> {
    try {
      await this.#containerd.snapshots(snapshotter).stat(chainId);
      return true;
    } catch (error) {
      if (isKind(error, "notFound")) return false;
      throw error;
    }
  }

  async #apply(snapshotter: string, layer: StackedLayer, lease: Lease, signal: AbortSignal): Promise<void> {
    const snapshots = this.#containerd.snapshots(snapshotter);
    const under = { leaseId: lease.id, signal };
    const key = `extract-${randomBytes(6).toString("hex")} ${layer.chainId}`;
    try {
      const mounts = await snapshots.prepare(key, layer.parent, {}, under);
      // A layer may take minutes: no deadline but the caller's signal.
      const applied = await this.#containerd.diff.apply(descriptorForApply(layer), mounts, {
        ...under,
        timeoutMs: Number.POSITIVE_INFINITY,
      });
      if (applied.digest !== layer.diffId) {
        throw internal(
          `layer verification failed: ${layer.descriptor.digest} unpacks to ${applied.digest}, the image config says ${layer.diffId}`,
        );
      }
      await snapshots.commit(layer.chainId, key, {}, under);
    } catch (error) {
      await snapshots.remove(key).catch(() => undefined);
      if (isKind(error, "alreadyExists")) return;
      if (signal.aborted || error instanceof EngineError) throw error;
      throw internal(`cannot unpack layer ${layer.descriptor.digest}`, { cause: error });
    }
  }
}

function descriptorForApply({ descriptor: { mediaType, digest, size } }: StackedLayer): {
  mediaType: string;
  digest: string;
  size: number;
} {
  return { mediaType, digest, size };
}
