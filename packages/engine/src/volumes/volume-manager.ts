import { makeFolders, makeOpenFolders } from "@pouchcontainer/owners";
import type { Volume, VolumeCreateConfig, VolumeListResponse, VolumePruneResponse } from "@pouchcontainer/api";
import { EngineError, conflict, invalidArgument, messageChain, notFound } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Clock, rfc3339 } from "../containers/clock.ts";
import type { EventPublisher } from "../events/index.ts";
import type { ChainContext, PluginChains } from "../plugin-host/chains.ts";
import { isOfPlugin } from "../plugin-host/is-of-plugin.ts";
import type { Collection } from "../store/index.ts";
import { parseLocalOptions } from "./local-options.ts";
import { KeyedMutex } from "../keyed-mutex.ts";
import { refuseNul } from "../refuse-nul.ts";
import { removeTree } from "../remove-tree.ts";
import { isKeptHere, listPredicate, prunePredicate } from "./volume-filters.ts";
import type { VolumeMounter } from "./volume-mounter.ts";
import { type VolumeRecord, anonymousLabel, volumeView } from "./volume-record.ts";

export interface VolumeManagerDeps {
  /** `<home>/volumes`. */
  root: string;
  records: Collection<VolumeRecord>;
  chains: Pick<PluginChains, "preVolumeCreate" | "ask">;
  events: EventPublisher;
  clock: Clock;
  mounter: VolumeMounter;
  /** Bytes of the files in each of these folders, whose content is the containers'. */
  sizes(folders: readonly string[]): Promise<number[]>;
  /** Ids of the containers whose records mention a volume. */
  containersUsing(name: string): readonly string[];
  /** For volumes that cannot be put right at a start: they stay as they are. */
  warn(message: string, fields: Record<string, unknown>): void;
}

/** Who a volume is made for: the container's room holds it until the container's record does. */
export interface VolumeHolder {
  containerId: string;
  context: ChainContext;
}

/** Where a container has a volume: one volume may have several places in it. */
export interface VolumePlace {
  containerId: string;
  destination: string;
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Volumes of the `local` driver: a folder each, some with a file system mounted over it while containers use them. */
export class VolumeManager {
  readonly #deps: VolumeManagerDeps;
  readonly #locks = new KeyedMutex();
  /** Volume → containers that are being created with it and have no record yet. */
  readonly #held = new Map<string, Set<string>>();
  /** Volume → where running containers have it mounted. */
  readonly #mounted = new Map<string, VolumePlace[]>();

  constructor(deps: VolumeManagerDeps) {
    this.#deps = deps;
  }

  /** Makes a volume, or returns the one of that name, as Docker does. */
  async create(config: VolumeCreateConfig): Promise<Volume> {
    const { record } = await this.#create(config, {}, undefined);
    return this.#view(record);
  }

  /**
   * The same for a container about to be created: the volume counts as in use until `release`. `created` tells whether it was
   * made just now and is to be taken away when the container's create fails.
   */
  async createFor(config: VolumeCreateConfig, holder: VolumeHolder): Promise<{ volume: Volume; created: boolean }> {
    const { record, created } = await this.#create(config, holder.context, holder.containerId);
    return { volume: this.#view(record), created };
  }

  /** The container's record speaks for its volumes from now on, or the container is gone. */
  release(containerId: string): void {
    for (const [name, holders] of this.#held) if (holders.delete(containerId) && holders.size === 0) this.#held.delete(name);
  }

  list(filters: Record<string, string[]>): Promise<VolumeListResponse> {
    const matches = listPredicate(filters, (name) => this.#users(name).length > 0);
    const records = [...this.#deps.records.values()].filter(matches).sort((one, other) => (one.name < other.name ? -1 : 1));
    return Promise.resolve({ Volumes: records.map((record) => this.#view(record)), Warnings: null });
  }

  async inspect(name: string): Promise<Volume> {
    return this.#view(this.#require(name));
  }

  /**
   * `force` is content with a volume that does not exist; one in use is never removed. `onRecord`: that it is to go is recorded by who
   * asks, and asked again after a crash. `unasked`: it is the engine that takes it back. Of neither plugins are asked.
   */
  async remove(name: string, options: { force: boolean; onRecord?: boolean; unasked?: boolean }): Promise<void> {
    if (!options.onRecord && !options.unasked) {
      const record = this.#removable(name, options);
      if (record !== undefined) await this.#askToRemove(record);
    }
    await this.#locks.run(name, async () => {
      const record = this.#removable(name, options);
      if (record === undefined) return;
      await this.#remove(record, options);
      this.#publish("destroy", record, {});
    });
  }

  /** Undefined when there is nothing to do. */
  #removable(name: string, { force }: { force: boolean }): VolumeRecord | undefined {
    const record = this.#deps.records.get(name);
    if (record === undefined && !force) throw noSuchVolume(name);
    const users = record === undefined ? [] : this.#users(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
    return record;
  }

  async #askToRemove(record: VolumeRecord): Promise<void> {
    await this.#deps.chains.ask("volume.preRemove", () => ({ volume: this.#view(record) }), {});
  }

  /** Whether a plugin keeps it. */
  async #isKept(record: VolumeRecord): Promise<boolean> {
    try {
      await this.#askToRemove(record);
      return false;
    } catch (error) {
      if (isOfPlugin(error)) return true;
      throw error;
    }
  }

  /** Of all of it one event tells, as with dockerd. */
  async prune(filters: Record<string, string[]>): Promise<VolumePruneResponse> {
    const matches = prunePredicate(filters);
    const deleted: string[] = [];
    let reclaimed = 0;
    const candidates = [...this.#deps.records.values()].filter(matches);
    const sizes = await this.#sizes(candidates.filter(({ name }) => this.#users(name).length === 0));
    for (const candidate of candidates) {
      const { name } = candidate;
      if (this.#users(name).length > 0 || (await this.#isKept(candidate))) continue;
      await this.#locks.run(name, async () => {
        const record = this.#deps.records.get(name);
        if (record === undefined || this.#users(name).length > 0) return;
        reclaimed += sizes.get(name) ?? 0;
        await this.#remove(record);
        deleted.push(name);
      });
    }
    this.#deps.events.publish({ type: "volume", action: "prune", id: "", attributes: { reclaimed: String(reclaimed) } });
    return { VolumesDeleted: deleted, SpaceReclaimed: reclaimed };
  }

  /** Puts the volume's file system in place for a container about to start and returns the path of its content. */
  async mount(name: string, place: VolumePlace & { rw: boolean; propagation: string }): Promise<string> {
    const path = await this.#mount(name, place);
    this.#publish("mount", this.#require(name), {
      container: place.containerId,
      destination: place.destination,
      "read/write": String(place.rw),
      propagation: place.propagation,
    });
    return path;
  }

  async #mount(name: string, place: VolumePlace): Promise<string> {
    const record = this.#require(name);
    await this.#locks.run(name, async () => {
      const path = this.#dataPath(name);
      await makeOpenFolders(path);
      const mount = parseLocalOptions(record.options ?? {});
      if (mount !== undefined && !(await this.#deps.mounter.isMounted(path))) await this.#deps.mounter.mount(mount, path);
      this.#take(name, place);
    });
    return this.#dataPath(name);
  }

  /**
   * The container stopped; the last one takes the file system down. May be called any number of times. Where that fails the container
   * has let go of it all the same: who uses the volume next finds it mounted, and he, a removal and the next start try again.
   */
  async unmount(name: string, place: VolumePlace): Promise<void> {
    const record = await this.#unmount(name, place);
    if (record !== undefined) this.#publish("unmount", record, { container: place.containerId });
  }

  #take(name: string, { containerId, destination }: VolumePlace): void {
    const places = this.#mounted.get(name) ?? [];
    this.#mounted.set(name, [...places, { containerId, destination }]);
  }

  /** Undefined when it is not mounted there. */
  async #unmount(name: string, { containerId, destination }: VolumePlace): Promise<VolumeRecord | undefined> {
    return await this.#locks.run(name, async () => {
      const places = this.#mounted.get(name) ?? [];
      const record = this.#deps.records.get(name);
      const left = places.filter((place) => place.containerId !== containerId || place.destination !== destination);
      if (record === undefined || left.length === places.length) return undefined;
      if (left.length > 0) this.#mounted.set(name, left);
      else {
        this.#mounted.delete(name);
        await this.#unmountData(record);
      }
      return record;
    });
  }

  /**
   * After a daemon start: the running containers' use of their volumes is taken up again. A folder that a create was killed before it
   * could make is made, and a removal that was cut off is finished; a file system that nobody uses any more is taken down. One volume
   * where that fails keeps neither the others nor the daemon from it, nor makes them wait.
   */
  async restore(running: readonly (VolumePlace & { name: string })[]): Promise<void> {
    for (const { name, ...place } of running) this.#take(name, place);
    await Promise.all(
      [...this.#deps.records.values()].map((record) => this.#locks.run(record.name, () => this.#restore(record))),
    );
  }

  async #restore(record: VolumeRecord): Promise<void> {
    const { name } = record;
    try {
      if (record.removal && this.#users(name).length === 0) return await this.#finishRemoval(record);
      const mounted = await this.#isMounted(record);
      if (!mounted && !existsSync(this.#dataPath(name))) await this.#makeFolders(name);
      if (mounted && !this.#mounted.has(name)) await this.#unmountData(record);
    } catch (error) {
      this.#deps.warn("a volume is not as it should be after a start", { volume: name, error: messageChain(error) });
    }
  }

  /** Lets `copy` put an image's content into the volume's folder, if that is empty; nobody else does meanwhile. No event tells of it. */
  async fill(name: string, place: VolumePlace, copy: (content: string) => Promise<boolean>): Promise<boolean> {
    const content = await this.#mount(name, place);
    try {
      return await this.#locks.run(name, () => copy(content));
    } finally {
      await this.#unmount(name, place);
    }
  }

  /** Volumes with their size and number of users, for `system df`. */
  async usage(): Promise<Volume[]> {
    const records = [...this.#deps.records.values()].filter(isKeptHere);
    const sizes = await this.#sizes(records);
    return records.map((record) => ({
      ...this.#view(record),
      UsageData: { RefCount: this.#users(record.name).length, Size: sizes.get(record.name) ?? 0 },
    }));
  }

  async #create(
    requested: VolumeCreateConfig,
    context: ChainContext,
    containerId: string | undefined,
  ): Promise<{ record: VolumeRecord; created: boolean }> {
    const config = await this.#deps.chains.preVolumeCreate(requested, context);
    const anonymous = !config.Name;
    const name = config.Name || randomBytes(32).toString("hex");
    this.#checkPlace(name, config);
    return this.#locks.run(name, async () => {
      const known = this.#deps.records.get(name);
      const record = known ?? (await this.#make(name, config, anonymous));
      if (containerId !== undefined) addTo(this.#held, name, containerId);
      return { record, created: known === undefined };
    });
  }

  /** Refuses a configuration of which no volume can be made. Allocates nothing. */
  check(config: VolumeCreateConfig): void {
    const name = config.Name || "0".repeat(64);
    this.#checkPlace(name, config);
    checkOptions(name, config);
  }

  #checkPlace(name: string, config: VolumeCreateConfig): void {
    refuseNul(config);
    checkName(name, this.#path(name));
    const driver = config.Driver || "local";
    if (driver !== "local")
      throw notFound(`create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`);
  }

  async #make(name: string, config: VolumeCreateConfig, anonymous: boolean): Promise<VolumeRecord> {
    checkOptions(name, config);
    const labels = anonymous ? { ...config.Labels, [anonymousLabel]: "" } : (config.Labels ?? null);
    const record: VolumeRecord = {
      name,
      driver: "local",
      options: config.DriverOpts ?? null,
      labels,
      created: rfc3339(this.#deps.clock.now()),
    };

    // A folder that is there already holds somebody's data: it is taken up, and never removed by a create that fails.
    const isNew = !existsSync(this.#path(name));
    try {
      // Before the folder: one without a record would give its content to whoever takes the name next.
      await this.#deps.records.put(name, record);
      await this.#makeFolders(name);
    } catch (cause) {
      if (isNew) await removeTree(this.#path(name));
      await this.#deps.records.delete(name);
      throw new EngineError(EngineError.from(cause).kind, `create ${name}: ${EngineError.from(cause).message}`, { cause });
    }
    this.#publish("create", record, {});
    return record;
  }

  async #makeFolders(name: string): Promise<void> {
    await makeFolders(this.#path(name), 0o700);
    await makeOpenFolders(this.#dataPath(name));
  }

  async #remove(record: VolumeRecord, { onRecord = false } = {}): Promise<void> {
    const { records } = this.#deps;
    const { name } = record;
    if (!onRecord) await records.put(name, { ...record, removal: true }, { happened: true });
    try {
      await this.#unmountData(record);
      await removeTree(this.#path(name));
    } catch (error) {
      // It was told that the volume stays.
      if (records.get(name)?.removal) await records.put(name, withoutRemoval(record), { happened: true });
      throw error;
    }
    await records.delete(name);
  }

  async #finishRemoval(record: VolumeRecord): Promise<void> {
    try {
      await this.#remove(record, { onRecord: true });
      this.#publish("destroy", record, {});
    } catch {
      // As after any removal that failed it is there, with what is left of its content; it must not keep the daemon from starting.
      await this.#makeFolders(record.name);
    }
  }

  /** Removing files below a mount would reach into somebody else's file system: it is taken down first. */
  async #unmountData(record: VolumeRecord): Promise<void> {
    if (await this.#isMounted(record)) await this.#deps.mounter.unmount(this.#dataPath(record.name));
  }

  /** Whether what its options ask for is mounted. The place itself is not looked at: a server that is gone would be waited for. */
  async #isMounted({ name, options }: VolumeRecord): Promise<boolean> {
    return parseLocalOptions(options ?? {}) !== undefined && (await this.#deps.mounter.isMounted(this.#dataPath(name)));
  }

  async #sizes(records: readonly VolumeRecord[]): Promise<Map<string, number>> {
    const sizes = records.length === 0 ? [] : await this.#deps.sizes(records.map(({ name }) => this.#dataPath(name)));
    return new Map(records.map(({ name }, index) => [name, sizes[index] ?? 0]));
  }

  #users(name: string): string[] {
    return [
      ...new Set([
        ...this.#deps.containersUsing(name),
        ...(this.#held.get(name) ?? []),
        ...(this.#mounted.get(name) ?? []).map(({ containerId }) => containerId),
      ]),
    ];
  }

  #require(name: string): VolumeRecord {
    const record = this.#deps.records.get(name);
    if (record === undefined) throw noSuchVolume(name);
    return record;
  }

  #view(record: VolumeRecord): Volume {
    return volumeView(record, this.#dataPath(record.name));
  }

  #path(name: string): string {
    return join(this.#deps.root, name);
  }

  #dataPath(name: string): string {
    return join(this.#path(name), "_data");
  }

  #publish(action: string, record: VolumeRecord, attributes: Record<string, string>): void {
    this.#deps.events.publish({ type: "volume", action, id: record.name, attributes: { driver: record.driver, ...attributes } });
  }
}

function withoutRemoval({ removal: _removal, ...record }: VolumeRecord): VolumeRecord {
  return record;
}

const noSuchVolume = (name: string): EngineError => notFound(`get ${name}: no such volume`);

/** Longest name of a file on the file systems of Linux. */
const maxNameBytes = 255;

function checkOptions(name: string, { DriverOpts }: VolumeCreateConfig): void {
  try {
    parseLocalOptions(DriverOpts ?? {});
  } catch (cause) {
    throw invalidArgument(`create ${name}: ${EngineError.from(cause).message}`, { cause });
  }
}

function checkName(name: string, path: string): void {
  if (name.length === 1)
    throw invalidArgument(`create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  if (!namePattern.test(name))
    throw invalidArgument(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  if (Buffer.byteLength(name) > maxNameBytes)
    throw invalidArgument(`create ${name}: error while creating volume root path '${path}': mkdir ${path}: file name too long`);
}

function addTo(map: Map<string, Set<string>>, name: string, containerId: string): void {
  const set = map.get(name) ?? new Set();
  map.set(name, set.add(containerId));
}
