import type * as api from "@pouchcontainer/api";
import { failedPrecondition } from "@pouchcontainer/errors";
import type { TaskMetrics } from "@pouchcontainer/containerd";
import type { FilePath } from "@pouchcontainer/files";
import { inBackground } from "@pouchcontainer/owners";
import type { Readable } from "node:stream";
import { ended } from "../ended.ts";
import type { NetworkContainers } from "../networks/container-networks.ts";
import { archiveGet, archivePut, archiveStat } from "./archive/container-archive.ts";
import { exportFilesystem } from "./archive/export-filesystem.ts";
import { attachContainer, type AttachRequest } from "./attach-container.ts";
import { filesystemChanges } from "./changes.ts";
import { commitContainer, containerLayer, type CommitOptions } from "./commit-container.ts";
import type { Container } from "./container.ts";
import type { ContainerDeps } from "./container-deps.ts";
import { publishContainerEvent } from "./container-events.ts";
import { isPromisedGone, type ContainerRecord } from "./container-record.ts";
import { containerLogs } from "./container-logs.ts";
import { ContainerRegistry } from "./container-registry.ts";
import type { ContainerRoom, RemoveOptions, StartOptions } from "./container-room.ts";
import { containerStats } from "./container-stats.ts";
import { checkCreate } from "./check-create.ts";
import { containerTop } from "./container-top.ts";
import { createContainer, type CreateOrigin } from "./create-container.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { killContainer } from "./kill-container.ts";
import { ContainerList, inspectContainer } from "./list-containers.ts";
import type { LogOutput, LogQuery } from "./logs/log-reader.ts";
import { isAlive } from "./orphans/orphan.ts";
import { Reconciler } from "./leftovers/reconciler.ts";
import { networkedContainer } from "./network-view.ts";
import { Orphans } from "./orphans/orphans.ts";
import { pauseContainer, unpauseContainer } from "./pause-container.ts";
import { whileRunning } from "./process-gone.ts";
import { pruneContainers } from "./prune-containers.ts";
import { recoverContainers } from "./recovery/recover-containers.ts";
import { refuseGone } from "./refuse-gone.ts";
import { removeLink } from "./remove-link.ts";
import { removeContainer } from "./remove-container.ts";
import { renameContainer } from "./rename-container.ts";
import { replaceHostConfig } from "./replace-host-config.ts";
import { restartContainer } from "./restart-container.ts";
import { snapshotSizes, writtenBytes } from "./snapshot-size.ts";
import { startContainer } from "./start-container.ts";
import type { StdioSession } from "./stdio/stdio-session.ts";
import { stopContainer, type StopOptions } from "./stop-container.ts";
import { updateContainer } from "./update-container.ts";
import { updateResources, type ContainerResources } from "./update-resources.ts";
import { summaryJson } from "./views/index.ts";
import { waitContainer } from "./wait-container.ts";
import { watchTasks } from "./watch-tasks.ts";

/** How long the daemon that leaves waits for what it has begun with a container, and then for what follows an exit. */
const leavingMs = 5000;

/** What happens to containers, for the HTTP server, CRI, exec and the network room. One file per operation; this is the table. */
export class ContainerManager {
  readonly #room: ContainerRoom;
  readonly #list: ContainerList;
  readonly orphans: Orphans;
  readonly #leaving = new AbortController();
  readonly #reconciler: Reconciler;
  readonly #monitors = new WeakMap<Container, HealthMonitor>();

  constructor(deps: ContainerDeps) {
    this.#room = {
      deps,
      registry: new ContainerRegistry(),
      orphans: new Map(),
      leaving: this.#leaving.signal,
      start: (container, options = {}) => this.#start(container, options),
      remove: async (container, options) => {
        await removeContainer(this.#room, container, options);
        this.#list.forget(container.id);
      },
      leftovers: {
        soon: () => this.#reconciler.soon(),
        takeBack: (id, step) => this.#reconciler.takeBack(id, step),
      },
      probe: () => Promise.reject(failedPrecondition("nothing runs health checks yet")),
      healthOf: (container) => this.#monitorOf(container),
    };
    this.#list = new ContainerList(this.#room);
    this.#reconciler = new Reconciler(this.#room);
    this.orphans = new Orphans(this.#room);
  }

  /** For exec and other rooms of the engine. */
  get room(): ContainerRoom {
    return this.#room;
  }

  /** Takes up what runs, settles what ended, cleans what is half made. Before anything else is asked of the manager. */
  async recover(): Promise<void> {
    await recoverContainers(this.#room);
    this.#reconciler.start();
    watchTasks(this.#room, this.#leaving.signal, () => this.#reconciler.reconnected());
  }

  /** Whether there are processes of containers, those set aside included. */
  get anythingRuns(): boolean {
    return this.#room.registry.all.some(({ isRunning }) => isRunning) || [...this.#room.orphans.values()].some(isAlive);
  }

  /** The daemon leaves; containers run on. What has begun comes to its end, unless that takes too long; the next daemon does the rest. */
  async suspend(): Promise<void> {
    this.#leaving.abort();
    this.#reconciler.stop();
    await Promise.all(this.#room.registry.all.map((container) => this.#leave(container)));
  }

  async #leave(container: Container): Promise<void> {
    container.cancelRestart();
    this.#monitorOf(container).end();
    if (!container.lock.isFree) await ended(container.lock.freed(), leavingMs);
    const { run } = container;
    if (run?.settling)
      await ended(
        run.settling.catch(() => undefined),
        leavingMs,
      );
    else if (run) {
      run.suspended = true;
      // First: what is read after the log has closed would be in neither.
      run.stdio.suspend();
      await run.log?.suspend();
    }
    if (run) run.suspended = true;
  }

  create(config: api.ContainerCreateConfig, from: CreateOrigin = {}): Promise<api.ContainerCreateResponse> {
    return createContainer(this.#room, config, from);
  }

  /** Refuses a request of which no container can be made. Allocates nothing. */
  checkCreate(config: api.ContainerCreateConfig, overCri: boolean): Promise<void> {
    return checkCreate(this.#room.deps, config, overCri);
  }

  list(options: Parameters<ContainerList["list"]>[0]): Promise<api.ContainerSummary[]> {
    return this.#list.list(options);
  }

  /** The same with each entry as JSON text, kept from list to list while it does not change. */
  async listJson(options: Parameters<ContainerList["list"]>[0]): Promise<string[]> {
    return (await this.#list.list(options)).map(summaryJson);
  }

  async inspect(ref: string, options: { size: boolean }): Promise<api.ContainerInspect> {
    const container = this.#require(ref);
    const [size] = options.size ? await snapshotSizes(this.#room.deps, [container.record]) : [];
    return inspectContainer(this.#room, container, size);
  }

  async start(ref: string, options: { detachKeys?: string; hostConfig?: api.HostConfig } = {}): Promise<void> {
    const { hostConfig } = options;
    await this.#room.start(this.#require(ref), hostConfig ? { hostConfig } : {});
  }

  async stop(ref: string, options: StopOptions = {}): Promise<void> {
    await stopContainer(this.#room, this.#require(ref), options);
  }

  async restart(ref: string, options: { signal?: string; timeoutSeconds?: number } = {}): Promise<void> {
    await restartContainer(this.#room, this.#require(ref), options);
  }

  async kill(ref: string, options: { signal?: string } = {}): Promise<void> {
    await killContainer(this.#room, this.#require(ref), options.signal);
  }

  async pause(ref: string): Promise<void> {
    const container = this.#require(ref);
    await container.lock.run(() => pauseContainer(this.#room, container));
  }

  async unpause(ref: string): Promise<void> {
    const container = this.#require(ref);
    await container.lock.run(() => unpauseContainer(this.#room, container));
  }

  async rename(ref: string, name: string): Promise<void> {
    const container = this.#require(ref);
    await container.lock.run(() => renameContainer(this.#room, container, name));
  }

  async remove(ref: string, options: RemoveOptions & { link: boolean }): Promise<void> {
    const container = this.#require(ref);
    if (options.link) return removeLink(this.#room, ref);
    await this.#room.remove(container, { ...options, asked: true });
  }

  wait(
    ref: string,
    condition: "not-running" | "next-exit" | "removed",
    signal: AbortSignal,
  ): { registered: Promise<void>; result: Promise<api.ContainerWaitResponse> } {
    return waitContainer(this.#require(ref), condition, signal);
  }

  async attach(ref: string, options: AttachRequest): Promise<StdioSession> {
    return attachContainer(this.#room, this.#require(ref), ref, options);
  }

  async logs(ref: string, query: LogQuery, signal: AbortSignal): Promise<{ tty: boolean; output: AsyncIterable<LogOutput> }> {
    return containerLogs(this.#require(ref), query, signal);
  }

  async resize(ref: string, size: { width: number; height: number }): Promise<void> {
    const container = this.#require(ref);
    const { deps } = this.#room;
    await container.startsSettled();
    if (!container.isRunning) throw failedPrecondition(`container ${container.id} is not running`);
    await whileRunning(this.#room, container, () => deps.containerd.tasks.resizePty(container.id, undefined, size));
    publishContainerEvent(deps.events, container.record, "resize", { width: String(size.width), height: String(size.height) });
  }

  async top(ref: string, psArgs: string): Promise<api.ContainerTopResponse> {
    return containerTop(this.#room, this.#require(ref), psArgs);
  }

  stats(ref: string, options: { stream: boolean; oneShot: boolean }, signal: AbortSignal): AsyncIterable<api.ContainerStats> {
    return containerStats(this.#room, this.#require(ref), options, signal);
  }

  /** What the kernel counts of those that run, by id, in one look; others are left out. */
  async metrics(ids: readonly string[]): Promise<Map<string, TaskMetrics>> {
    const running = ids.filter((id) => this.#room.registry.get(id)?.isRunning === true);
    // Without a filter containerd tells of all.
    if (running.length === 0) return new Map();
    const told = await this.#room.deps.containerd.tasks.metrics(running);
    return new Map(told.map(({ id, data }) => [id, this.#room.deps.decodeMetrics(data)]));
  }

  /** Bytes each of them has written into its own layer, by id. */
  async writtenBytes(ids: readonly string[]): Promise<Map<string, number>> {
    const records = ids.flatMap((id) => this.#room.registry.get(id)?.record ?? []);
    const sizes = await writtenBytes(this.#room.deps, records);
    return new Map(records.map(({ id }, index) => [id, sizes[index] ?? 0]));
  }

  async changes(ref: string, signal: AbortSignal): Promise<{ count: number; json: Readable }> {
    return filesystemChanges(this.#room, this.#require(ref), signal);
  }

  async commit(ref: string, options: CommitOptions, signal: AbortSignal): Promise<string> {
    return commitContainer(this.#room, this.#require(ref), options, signal);
  }

  /** What it changed of its image, as a layer. Nobody else may start or remove it meanwhile. */
  async layer(ref: string): Promise<{ tar: Readable; ended: Promise<void> }> {
    const container = this.#require(ref);
    const { promise: opened, resolve, reject } = Promise.withResolvers<{ tar: Readable; ended: Promise<void> }>();
    inBackground("keeping a container as it is while its layer is read", () =>
      container.lock.run(async () => {
        try {
          const layer = await containerLayer(this.#room, container);
          resolve(layer);
          await layer.ended;
        } catch (error) {
          reject(error);
        }
      }),
    );
    return await opened;
  }

  /** Ends and removes one that a build made. */
  async removeOfBuild(ref: string): Promise<void> {
    await this.#room.remove(this.#require(ref), { force: true, volumes: true });
  }

  /** It stays when its build is over. */
  async keepOfBuild(ref: string): Promise<void> {
    await this.#require(ref).changeIfStored({ build: undefined });
  }

  /** Ids of those that builds made and did not end. */
  ofBuilds(): string[] {
    return this.records().flatMap(({ id, build }) => (build === undefined ? [] : [id]));
  }

  async exportFilesystem(ref: string): Promise<Readable> {
    return exportFilesystem(this.#room, this.#require(ref));
  }

  async archiveStat(ref: string, path: FilePath): Promise<api.ContainerPathStat> {
    return archiveStat(this.#room, this.#require(ref), path);
  }

  async archiveGet(ref: string, path: FilePath): Promise<{ stat: api.ContainerPathStat; tar: Readable }> {
    return archiveGet(this.#room, this.#require(ref), path);
  }

  async archivePut(
    ref: string,
    path: FilePath,
    tar: Readable,
    options: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
  ): Promise<void> {
    await archivePut(this.#room, this.#require(ref), path, tar, options);
  }

  async update(ref: string, body: Readable): Promise<api.ContainerUpdateResponse> {
    const container = this.#require(ref);
    return container.lock.run(() => updateContainer(this.#room, container, body));
  }

  /** The same with limits in the engine's words. */
  async updateResources(ref: string, resources: ContainerResources): Promise<{ warnings: string[] }> {
    const container = this.#require(ref);
    return container.lock.run(() => updateResources(this.#room, container, resources));
  }

  /** Somebody has put aside the file of its log: what it writes from now on goes into a new one. */
  async reopenLog(ref: string): Promise<void> {
    const container = this.#require(ref);
    if (!container.isRunning) throw failedPrecondition(`container ${container.id} is not running`);
    container.run?.log?.reopen();
  }

  /** What is remembered of a container, by id, unique prefix or name; never changed in place. */
  record(ref: string): ContainerRecord {
    return this.#require(ref).record;
  }

  /** The same of all of them, in no order. */
  records(): ContainerRecord[] {
    return this.#room.registry.all.map(({ record }) => record);
  }

  prune(filters: Record<string, string[]>): Promise<api.ContainerPruneResponse> {
    return pruneContainers(this.#room, filters);
  }

  /** Containers as the network room asks for them. */
  get forNetworks(): NetworkContainers {
    const { registry } = this.#room;
    const seen = (container: Container) => ({
      container: networkedContainer(container.record, container.directory),
      running: container.isRunning,
    });
    return {
      find: (ref) => seen(registry.require(ref)),
      locked: async (ref, work) => {
        const container = registry.require(ref);
        return await container.lock.run(async () => {
          refuseGone(
            container,
            `Container ${container.id} is marked for removal and cannot be connected or disconnected to the network`,
          );
          return await work(seen(container));
        });
      },
      saveEndpoints: async (id, endpoints) => {
        const container = registry.require(id);
        const networkingConfig = { ...container.record.networkingConfig, EndpointsConfig: endpoints };
        await container.changeIfStored({ networkingConfig, endpointsSettled: true });
      },
    };
  }

  /** Containers of an image, those set aside included. What one that is promised gone has of it is a snapshot, which keeps what it needs. */
  usingImage(imageId: string): { id: string; running: boolean }[] {
    const setAside = [...this.#room.orphans.values()].map((orphan) => ({ ...orphan, running: isAlive(orphan) }));
    const recorded = this.#room.registry.all
      .filter(({ record }) => !isPromisedGone(record))
      .map(({ id, record, isRunning }) => ({ id, record, running: isRunning }));
    return [...recorded, ...setAside]
      .filter(({ record }) => record?.image.id === imageId)
      .map(({ id, running }) => ({ id, running }));
  }

  /** Ids of the containers whose records mention a volume, those set aside included. */
  usingVolume(name: string): string[] {
    const setAside = [...this.#room.orphans.values()].flatMap(({ record }) => (record ? [record] : []));
    const recorded = this.#room.registry.all.flatMap(({ removed, record }) => (removed ? [] : [record]));
    return [...recorded, ...setAside]
      .filter(({ mountPoints }) => mountPoints.some((mount) => mount.type === "volume" && mount.name === name))
      .map(({ id }) => id);
  }

  #require(ref: string): Container {
    return this.#room.registry.require(ref);
  }

  /** A container that was to go after its run goes when there is none: `docker run --rm` waits for that. */
  async #start(container: Container, { byPolicy = false, hostConfig }: StartOptions): Promise<void> {
    try {
      await container.start(async () => {
        if (hostConfig && !container.isRunning) await replaceHostConfig(this.#room, container, hostConfig);
        await startContainer(this.#room, container, byPolicy);
      });
    } catch (error) {
      const { removed, removing, isRunning, state } = container;
      const refused = removed || removing || isRunning || state.status === "restarting";
      if (container.record.hostConfig.AutoRemove && !refused) {
        await this.#room.remove(container, { force: true, volumes: true }).catch((failure: unknown) => {
          this.#room.deps.log.warn("a container whose start failed could not be removed", {
            container: container.id,
            error: String(failure),
          });
        });
      }
      throw error;
    }
  }

  #monitorOf(container: Container): HealthMonitor {
    const known = this.#monitors.get(container);
    if (known) return known;
    const monitor = new HealthMonitor(container, this.#room.deps, (...probe) => this.#room.probe(...probe));
    this.#monitors.set(container, monitor);
    return monitor;
  }
}
