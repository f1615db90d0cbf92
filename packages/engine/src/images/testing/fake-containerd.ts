import {
  ContentTooBig,
  type ContentInfo,
  type ContentService,
  type ContentWriter,
  type DiffService,
  type ImageRecord,
  type ImagesService,
  type LeaseResource,
  type LeasesService,
  type SnapshotInfo,
  type SnapshotsService,
} from "@pouchcontainer/containerd";
import { alreadyExists, failedPrecondition, notFound, unavailable } from "@pouchcontainer/errors";
import { digestOf } from "@pouchcontainer/oci";
import type { ImageServices } from "../containerd-services.ts";

/**
 * containerd's stores in memory, with its collector: `collect` removes what neither an image record nor a lease reaches by the
 * labels. Snapshots have no files; applying a layer yields the digest of its bytes.
 */
export class FakeContainerd implements ImageServices {
  readonly blobs = new Map<string, { bytes: Buffer; labels: Record<string, string> }>();
  readonly ingests = new Map<string, Buffer>();
  readonly records = new Map<string, ImageRecord>();
  readonly leaseResources = new Map<string, LeaseResource[]>();
  readonly snapshotsBySnapshotter = new Map<string, Map<string, SnapshotInfo>>();
  readonly applied: string[] = [];
  /** While it lasts no lease can be made or given back. */
  outage: { over: Promise<void> } | undefined;
  /** Runs the collector before every change, as the real one may. */
  eager = false;

  readonly content: ContentService = {
    info: async (digest) => this.#info(digest),
    list: async () => [...this.blobs.keys()].map((digest) => this.#info(digest)),
    delete: async (digest) => void this.blobs.delete(digest),
    updateLabels: async (digest, labels) => {
      Object.assign(this.#blob(digest).labels, labels);
    },
    read: (digest, { offset = 0 } = {}) => iterate(this.#blob(digest).bytes.subarray(offset)),
    readAll: async (digest, { limitBytes }) => {
      const { bytes } = this.#blob(digest);
      if (bytes.length > limitBytes) throw new ContentTooBig(digest, bytes.length, limitBytes);
      return bytes;
    },
    openWriter: async (ref, expected) => this.#openWriter(ref, expected.digest),
    writeBlob: async ({ bytes, digest, labels }, options) => {
      const known = this.blobs.get(digest);
      this.blobs.set(digest, { bytes: Buffer.from(bytes), labels: { ...known?.labels, ...labels } });
      this.#underLease(options?.leaseId, { type: "content", id: digest });
      this.#mayCollect();
    },
    abort: async (ref) => void this.ingests.delete(ref),
  };

  readonly images: ImagesService = {
    get: async (name) => this.records.get(name) ?? missing(`image ${name}`),
    list: async () => [...this.records.values()],
    create: async (record) => void this.records.set(record.name, record),
    put: async (record) => void this.records.set(record.name, record),
    delete: async (name, request) => {
      this.records.delete(name);
      if (request?.sync === true) this.collect();
    },
  };

  readonly leases: LeasesService = {
    create: async (id) => {
      this.#mustAnswer();
      this.leaseResources.set(id, []);
    },
    delete: async (id, request) => {
      this.#mustAnswer();
      this.leaseResources.delete(id);
      if (request?.sync === true) this.collect();
    },
    list: async () => [...this.leaseResources.keys()].map((id) => ({ id, labels: {}, createdAt: new Date(0) })),
    addResource: async (id, resource) => this.#underLease(id, resource),
    deleteResource: async () => undefined,
    listResources: async (id) => this.leaseResources.get(id) ?? [],
  };

  readonly diff: DiffService = {
    apply: async (layer) => {
      this.applied.push(layer.digest);
      const { bytes } = this.#blob(layer.digest);
      return { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf(bytes), size: bytes.length };
    },
    diff: async () => missing("diff"),
  };

  snapshots(snapshotter: string): SnapshotsService {
    const all = this.snapshotsBySnapshotter.get(snapshotter) ?? new Map<string, SnapshotInfo>();
    this.snapshotsBySnapshotter.set(snapshotter, all);
    const type = `snapshots/${snapshotter}`;
    const make = (name: string, parent: string, kind: SnapshotInfo["kind"], leaseId: string | undefined): void => {
      if (all.has(name)) throw alreadyExists(`snapshot ${name}`);
      if (parent !== "" && !all.has(parent)) missing(`snapshot ${parent}`);
      all.set(name, { name, parent, kind, createdAt: new Date(0), labels: {} });
      this.#underLease(leaseId, { type, id: name });
      this.#mayCollect();
    };
    return {
      prepare: async (key, parent, _labels, options) => (make(key, parent, "active", options?.leaseId), []),
      view: async (key, parent, _labels, options) => (make(key, parent, "view", options?.leaseId), []),
      mounts: async () => [],
      commit: async (name, key, _labels, options) => {
        const active = all.get(key) ?? missing(`snapshot ${key}`);
        make(name, active.parent, "committed", options?.leaseId);
        all.delete(key);
      },
      remove: async (key) => void all.delete(key),
      stat: async (key) => all.get(key) ?? missing(`snapshot ${key}`),
      updateLabels: async () => undefined,
      list: async () => [...all.values()],
      usage: async (key) => (all.has(key) ? { sizeBytes: 100, inodes: 1 } : missing(`snapshot ${key}`)),
    };
  }

  async whenReconnected(): Promise<void> {
    await this.outage?.over;
    this.outage = undefined;
  }

  /** Removes everything that nothing holds. */
  collect(): void {
    const reached = new Set<string>();
    const visitContent = (digest: string): void => {
      const blob = this.blobs.get(digest);
      if (blob === undefined || reached.has(digest)) return;
      reached.add(digest);
      for (const [key, value] of Object.entries(blob.labels)) {
        if (key.startsWith("containerd.io/gc.ref.content")) visitContent(value);
        const snapshotter = /^containerd\.io\/gc\.ref\.snapshot\.(.+)$/.exec(key)?.[1];
        if (snapshotter !== undefined) visitSnapshot(snapshotter, value);
      }
    };
    const visitSnapshot = (snapshotter: string, name: string): void => {
      const snapshot = this.snapshotsBySnapshotter.get(snapshotter)?.get(name);
      if (snapshot === undefined) return;
      reached.add(`${snapshotter} ${name}`);
      visitSnapshot(snapshotter, snapshot.parent);
    };
    for (const { target } of this.records.values()) visitContent(target.digest);
    for (const { type, id } of [...this.leaseResources.values()].flat()) {
      if (type === "content") visitContent(id);
      else visitSnapshot(type.slice("snapshots/".length), id);
    }
    for (const digest of this.blobs.keys()) if (!reached.has(digest)) this.blobs.delete(digest);
    for (const [snapshotter, all] of this.snapshotsBySnapshotter) {
      for (const name of all.keys()) if (!reached.has(`${snapshotter} ${name}`)) all.delete(name);
    }
  }

  #mustAnswer(): void {
    if (this.outage) throw unavailable("cannot reach containerd", { details: { outage: "/run/containerd.sock" } });
  }

  #mayCollect(): void {
    if (this.eager) this.collect();
  }

  #underLease(leaseId: string | undefined, resource: LeaseResource): void {
    if (leaseId === undefined) return;
    (this.leaseResources.get(leaseId) ?? missing(`lease ${leaseId}`)).push(resource);
  }

  #blob(digest: string): { bytes: Buffer; labels: Record<string, string> } {
    return this.blobs.get(digest) ?? missing(`content ${digest}`);
  }

  #info(digest: string): ContentInfo {
    const { bytes, labels } = this.#blob(digest);
    return { digest, size: bytes.length, createdAt: new Date(0), labels };
  }

  #openWriter(ref: string, expected: string | undefined): ContentWriter {
    if (expected !== undefined && this.blobs.has(expected)) throw alreadyExists(`content ${expected}`);
    const append = (chunk: Uint8Array): void =>
      void this.ingests.set(ref, Buffer.concat([this.ingests.get(ref) ?? Buffer.alloc(0), chunk]));
    append(new Uint8Array());
    const bytes = (): Buffer => this.ingests.get(ref) ?? Buffer.alloc(0);
    return {
      get offset() {
        return bytes().length;
      },
      write: async (chunk) => append(chunk),
      commit: async ({ size, digest, labels = {} }) => {
        const got = digestOf(bytes());
        if (size !== undefined && size !== bytes().length)
          throw failedPrecondition(`unexpected commit size ${bytes().length}, expected ${size}`);
        if (digest !== undefined && digest !== got)
          throw failedPrecondition(`unexpected commit digest ${got}, expected ${digest}`);
        this.blobs.set(got, { bytes: bytes(), labels: { ...labels } });
        this.ingests.delete(ref);
        this.#mayCollect();
        return { digest: got, size: this.#blob(got).bytes.length };
      },
      abort: async () => void this.ingests.delete(ref),
    };
  }
}

function missing(what: string): never {
  throw notFound(`${what}: not found`);
}

async function* iterate(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
