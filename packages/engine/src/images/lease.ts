import { randomBytes } from "node:crypto";
import { isOutage } from "@pouchcontainer/containerd";
import { isKind } from "@pouchcontainer/errors";
import { digestOf } from "@pouchcontainer/oci";
import { inBackground } from "@pouchcontainer/owners";
import { gcLabels, type ImageServices } from "./containerd-services.ts";
import type { Clock } from "../registry/retry.ts";

/** What an operation made or counts on stays until the lease goes: containerd's collector may run at any moment. */
export interface Lease {
  readonly id: string;
  /** Holds content, there already or not yet: what is written later under this digest is held from its first moment. */
  holdContent(digest: string): Promise<void>;
  holdSnapshot(snapshotter: string, key: string): Promise<void>;
  /** Lets go, when containerd is back if it is away. */
  release(options: ReleaseOptions): Promise<void>;
}

interface ReleaseOptions {
  /** Waits until what nothing else holds is gone. */
  collect: boolean;
  /** containerd was away meanwhile, and is back perhaps: it may have left what it had not recorded yet. Default: no. */
  afterOutage?: boolean;
}

/** A lease outlives a daemon that was killed by no more than this. */
const lifetimeMs = 24 * 60 * 60 * 1000;

const prefix = "pouch-images-";

export interface LeasesDeps {
  containerd: Pick<ImageServices, "content" | "leases" | "whenReconnected">;
  clock: Pick<Clock, "now">;
}

/** The leases of this room. One that no operation of this daemon holds is left over: from a daemon that was killed, or from an outage of containerd. */
export class Leases {
  readonly #deps: LeasesDeps;
  /** Held by an operation, or left on purpose. */
  readonly #held = new Set<string>();
  #lettingGo = false;

  constructor(deps: LeasesDeps) {
    this.#deps = deps;
  }

  async take(purpose: string): Promise<Lease> {
    const { leases } = this.#deps.containerd;
    const id = `${prefix}${purpose}-${randomBytes(8).toString("hex")}`;
    this.#held.add(id);
    try {
      await leases.create(id, { [gcLabels.expire]: new Date(this.#deps.clock.now() + lifetimeMs).toISOString() });
    } catch (error) {
      this.#held.delete(id);
      // It may have been made, and only the answer lost.
      if (isOutage(error)) this.#releaseLeftWhenBack();
      throw error;
    }
    const resources = new Set<string>();
    const hold = async (type: string, resource: string): Promise<void> => {
      const key = `${type} ${resource}`;
      if (resources.has(key)) return;
      await leases.addResource(id, { type, id: resource });
      resources.add(key);
    };
    return {
      id,
      holdContent: (digest) => hold("content", digest),
      holdSnapshot: (snapshotter, key) => hold(`snapshots/${snapshotter}`, key),
      release: (options) => this.#release(id, options),
    };
  }

  /** Lets go of what nobody holds, with everything that was made under it: snapshots and ingestions that were begun, too. */
  async releaseLeft(): Promise<void> {
    const { leases } = this.#deps.containerd;
    let found = false;
    for (const { id } of await leases.list()) {
      if (!id.startsWith(prefix) || this.#held.has(id)) continue;
      found = true;
      await leases.delete(id, { sync: true });
    }
    if (found) await this.#collectUnrecorded();
  }

  /**
   * containerd makes an ingestion's folder before its record: killed in between, it leaves a folder that no call names. Its collector
   * removes that one too, when it has some content to remove.
   */
  async #collectUnrecorded(): Promise<void> {
    const { content } = this.#deps.containerd;
    const lease = await this.take("collect");
    try {
      const bytes = Buffer.from(lease.id);
      await content.writeBlob({ bytes, digest: digestOf(bytes) }, { leaseId: lease.id });
    } finally {
      await lease.release({ collect: true });
    }
  }

  async #release(id: string, { collect, afterOutage = false }: ReleaseOptions): Promise<void> {
    this.#held.delete(id);
    try {
      await this.#deps.containerd.leases.delete(id, { sync: collect });
      if (afterOutage) await this.#collectUnrecorded();
    } catch (error) {
      if (isOutage(error)) this.#releaseLeftWhenBack();
      else if (!isKind(error, "notFound")) throw error;
    }
  }

  #releaseLeftWhenBack(): void {
    if (this.#lettingGo) return;
    this.#lettingGo = true;
    inBackground("letting go of what an outage of containerd left of images", async () => {
      try {
        for (let back = false; !back;) {
          await this.#deps.containerd.whenReconnected();
          back = await this.releaseLeft().then(
            () => true,
            (error: unknown) => {
              if (!isOutage(error)) throw error;
              return false;
            },
          );
        }
      } finally {
        this.#lettingGo = false;
      }
    });
  }
}
