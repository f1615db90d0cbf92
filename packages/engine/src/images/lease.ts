import { randomBytes } from "node:crypto";
import { isKind } from "@pouchcontainer/errors";
import { gcLabels, type ImageServices } from "./containerd-services.ts";
import type { Clock } from "./registry/retry.ts";

/** What an operation made or counts on stays until the lease goes: containerd's collector may run at any moment. */
export interface Lease {
  readonly id: string;
  /** Holds content, there already or not yet: what is written later under this digest is held from its first moment. */
  holdContent(digest: string): Promise<void>;
  holdSnapshot(snapshotter: string, key: string): Promise<void>;
  /** Lets go. `collect` waits until what nothing else holds is gone. */
  release(options: { collect: boolean }): Promise<void>;
}

/** A lease outlives a daemon that was killed by no more than this. */
const lifetimeMs = 24 * 60 * 60 * 1000;

const prefix = "pouch-images-";

/** Lets go of what a daemon that was killed held: nothing of this room runs yet. */
export async function releaseLeftLeases({ leases }: Pick<ImageServices, "leases">): Promise<void> {
  for (const { id } of await leases.list()) if (id.startsWith(prefix)) await leases.delete(id);
}

export async function takeLease(
  purpose: string,
  deps: { containerd: Pick<ImageServices, "leases">; clock: Clock },
): Promise<Lease> {
  const { leases } = deps.containerd;
  const id = `${prefix}${purpose}-${randomBytes(8).toString("hex")}`;
  await leases.create(id, { [gcLabels.expire]: new Date(deps.clock.now() + lifetimeMs).toISOString() });
  const held = new Set<string>();
  const hold = async (type: string, resource: string): Promise<void> => {
    const key = `${type} ${resource}`;
    if (held.has(key)) return;
    await leases.addResource(id, { type, id: resource });
    held.add(key);
  };
  return {
    id,
    holdContent: (digest) => hold("content", digest),
    holdSnapshot: (snapshotter, key) => hold(`snapshots/${snapshotter}`, key),
    async release({ collect }) {
      try {
        await leases.delete(id, { sync: collect });
      } catch (error) {
        if (!isKind(error, "notFound")) throw error;
      }
    },
  };
}
