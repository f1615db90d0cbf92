import { isKind } from "@pouchcontainer/errors";
import type { SnapshotInfo } from "@pouchcontainer/containerd";
import type { ImageServices } from "../containerd-services.ts";

/** What all snapshots take: layers of images and what containers wrote. */
export interface SnapshotTotals {
  bytes: number;
  inodes: number;
  /** Milliseconds since the epoch when it was measured. */
  measuredAt: number;
}

export interface SnapshotUsageDeps {
  containerd: Pick<ImageServices, "snapshots">;
  snapshotter: string;
  now: () => number;
}

/** Who asks more often than this is told the same: what containers write is measured by a walk through their files. */
const freshMs = 10_000;
/** How many are measured at once. */
const width = 4;

/** Space of all snapshots of our namespace. A committed one never changes: it is measured once. */
export class SnapshotUsage {
  readonly #deps: SnapshotUsageDeps;
  #committed = new Map<string, { sizeBytes: number; inodes: number }>();
  #latest: SnapshotTotals | undefined;
  #running: Promise<SnapshotTotals> | undefined;

  constructor(deps: SnapshotUsageDeps) {
    this.#deps = deps;
  }

  /** At most ten seconds old; who asks while it is measured waits for that. */
  async totals(): Promise<SnapshotTotals> {
    const latest = this.#latest;
    if (latest !== undefined && this.#deps.now() - latest.measuredAt < freshMs) return latest;
    this.#running ??= this.#measure().finally(() => (this.#running = undefined));
    return await this.#running;
  }

  async #measure(): Promise<SnapshotTotals> {
    const snapshots = await this.#deps.containerd.snapshots(this.#deps.snapshotter).list();
    const totals = { bytes: 0, inodes: 0 };
    const committed = new Map<string, { sizeBytes: number; inodes: number }>();
    const next = snapshots.values();
    const measure = async (): Promise<void> => {
      for (const snapshot of next) {
        const usage = await this.#usageOf(snapshot);
        if (usage === undefined) continue;
        totals.bytes += usage.sizeBytes;
        totals.inodes += usage.inodes;
        if (snapshot.kind === "committed") committed.set(snapshot.name, usage);
      }
    };
    await Promise.all(Array.from({ length: width }, measure));
    this.#committed = committed;
    this.#latest = { ...totals, measuredAt: this.#deps.now() };
    return this.#latest;
  }

  /** Undefined for one that went meanwhile. */
  async #usageOf({ name }: SnapshotInfo): Promise<{ sizeBytes: number; inodes: number } | undefined> {
    const known = this.#committed.get(name);
    if (known !== undefined) return known;
    try {
      return await this.#deps.containerd.snapshots(this.#deps.snapshotter).usage(name);
    } catch (error) {
      if (isKind(error, "notFound")) return undefined;
      throw error;
    }
  }
}
