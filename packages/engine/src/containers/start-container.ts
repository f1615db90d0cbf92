import type { ContainerInspect } from "@pouchcontainer/api";
import { conflict, internal, isKind, notModified } from "@pouchcontainer/errors";
import type { Mount } from "@pouchcontainer/containerd";
import { join } from "node:path";
import { prepareBindSources } from "../volumes/realise-mounts.ts";
import { ended } from "../ended.ts";
import { settleAll } from "../settle-all.ts";
import { boundedHooks, type RuntimeHook } from "./bounded-hook.ts";
import { rfc3339Nano } from "./clock.ts";
import type { Container } from "./container.ts";
import { ownerLabel, type RuntimeChoice } from "./container-deps.ts";
import { publishContainerEvent } from "./container-events.ts";
import { zeroTime } from "./container-record.ts";
import type { ContainerRoom } from "./container-room.ts";
import { ContainerRun } from "./container-run.ts";
import { failedStart, failedStartCode } from "./failed-start.ts";
import { joinedOwners } from "./joined-owners.ts";
import { namespaceOwner } from "./namespace-owner.ts";
import { mountImageVolumes } from "./image-volumes.ts";
import { inspectContainer } from "./list-containers.ts";
import { clearRun } from "./leftovers/clear-run.ts";
import type { LogDriver } from "./logs/log-driver.ts";
import { prepareMountPoints } from "./mount-points.ts";
import { openNetworkBarrier, withBarrier, type NetworkBarrier } from "./network-barrier.ts";
import { chainContext, networkedContainer } from "./network-view.ts";
import { newTask } from "./new-task.ts";
import { openLog } from "./open-log.ts";
import { mountSharedMemory, mountsOf, sharedMemoryPath, withRootfsReader } from "./rootfs.ts";
import { runtimeFailure } from "./runtime-failure.ts";
import { refuseGone } from "./refuse-gone.ts";
import { releaseRun } from "./release-run.ts";
import { isPassing, watchExit } from "./settle-exit.ts";
import { buildSpec, containerOfMode, type SpecInput } from "./spec/index.ts";
import { mountSubpaths } from "./volume-subpaths.ts";
import { sourcesOfMounts } from "./where-links-lead.ts";
import { killTimeoutMs } from "./stop-container.ts";
import { ProcessStdio, type StdioRequest } from "./stdio/process-stdio.ts";

/** A hook that waits for the daemon must not wait for ever when the daemon is gone. */
const barrierTimeoutSeconds = 60;

/** Starts a container; the caller holds its lock. Of one that fails nothing stays but what the record says of it. */
export async function startContainer(room: ContainerRoom, container: Container, byPolicy: boolean): Promise<void> {
  const { deps } = room;
  // Stopped, or started by hand, while it waited for its turn.
  if (byPolicy && container.state.status !== "restarting") return;
  refuseStart(container, byPolicy);
  const { hooks, run } = await beginRun(room, container, byPolicy);
  container.run = run;
  if (!byPolicy) container.startsByHand += 1;
  if (container.removing) run.calledOff.abort();
  let barrier: NetworkBarrier | undefined;
  try {
    const deferConnect = hooks.some(({ priority }) => priority > 0);
    if (deferConnect) barrier = await networkBarrier(room, container);
    const bounded = await boundedHooks(hooks, hookPlace(room, container));
    await createTask(room, container, run, barrier ? withBarrier(bounded, barrier.hook) : bounded, deferConnect);
    run.stdio.opened();
    // Before the process can write its first line: clients ask for the log since then (`logs --since`).
    run.startedAt = rfc3339Nano(deps.clock.now());
    await deps.containerd.tasks.start(container.id);
  } catch (thrown) {
    await failStart(room, container, run, barrier?.failure ?? thrown, byPolicy);
  } finally {
    await barrier?.close();
  }
  container.note({
    state: {
      status: "running",
      pid: run.pid,
      exitCode: 0,
      error: "",
      oomKilled: false,
      startedAt: run.startedAt,
    },
    ...(run.processUser ? { processUser: run.processUser } : {}),
  });
  publishContainerEvent(deps.events, container.record, "start");
  const view = (): { container: ContainerInspect } => ({ container: inspectContainer(room, container) });
  deps.chains.tellAfterwards("container.postStart", view, chainContext(container.record));
  room.healthOf(container).begin();
  run.announced.resolve();
}

/** All that comes before a run. A container of a pod is over that fails here too: who made the pod would try again at once otherwise, and for ever. */
async function beginRun(
  room: ContainerRoom,
  container: Container,
  byPolicy: boolean,
): Promise<{ hooks: Awaited<ReturnType<ContainerRoom["deps"]["chains"]["preStart"]>>; run: ContainerRun }> {
  const { deps } = room;
  try {
    await container.run?.finished.promise;
    if (container.unsure) {
      await clearRun(room, container);
      container.unsure = false;
    }
    const hooks = await deps.chains.preStart(inspectContainer(room, container), chainContext(container.record));
    if (!byPolicy) await forgetRestarts(container);
    return { hooks, run: await openRun(room, container) };
  } catch (error) {
    if (container.record.pod) container.note({ state: failedStart(deps, container.record, error) });
    throw error;
  }
}

/** Links in the config may be gone by now; only what a start by hand changes is reset. Of a first start there is nothing to store. */
export async function forgetRestarts(container: Container): Promise<void> {
  container.restartDelayMs = 0;
  const { manuallyStopped, restartCount } = container.record;
  if (manuallyStopped || restartCount !== 0) await container.change({ manuallyStopped: false, restartCount: 0 });
}

function refuseStart(container: Container, byPolicy: boolean): void {
  refuseGone(container, markedForRemoval);
  if (container.state.status === "paused") throw conflict("cannot start a paused container, try unpause instead");
  const { status } = container.state;
  // A start by policy that failed while this one waited leaves no run behind, and none that is due.
  const comesBack = container.restartIsDue || container.run !== undefined;
  if (status === "running" || (status === "restarting" && !byPolicy && comesBack))
    throw notModified(`container ${container.id} is already running`);
  refuseAgain(container);
  container.cancelRestart();
}

/** A container of a pod is started once, for better or worse: who made the pod reads its end, and makes another. */
export function refuseAgain({ id, record, state }: Container): void {
  if (!record.pod) return;
  if (state.status !== "created")
    throw conflict(`container ${id} belongs to a pod and has been started: it is not started again`);
  if (state.error !== "")
    throw conflict(`container ${id} belongs to a pod, and its start has failed: it is not started again (${state.error})`);
}

export const markedForRemoval = "container is marked for removal and cannot be started";

async function openRun(room: ContainerRoom, container: Container): Promise<ContainerRun> {
  const log = openLog(room, container);
  try {
    log?.begin();
    return new ContainerRun(await ProcessStdio.create(room.deps.stdio, stdioRequest(container, log)), log);
  } catch (error) {
    await log?.close();
    throw error;
  }
}

/** Where the pipes and journals of the container's own process are, made anew with each run. */
export const streamsDirectory = (container: Container): string => join(container.execDirectory, "io");

export function stdioRequest(container: Container, log: LogDriver | undefined): StdioRequest {
  const { Tty = false, OpenStdin = false } = container.record.config;
  return {
    directory: streamsDirectory(container),
    tty: Tty,
    stdin: OpenStdin,
    stdout: true,
    stderr: true,
    streams: container.streams,
    onOutput: (stream, chunk, position) => log?.write(stream, chunk, position),
    ...(log ? { journaled: (stream) => log.journalPosition(stream) } : {}),
    onStreamEnd: (stream) => log?.end(stream),
  };
}

/** Prepares what the process needs, as much of it at once as possible, and lets containerd create it. */
async function createTask(
  room: ContainerRoom,
  container: Container,
  run: ContainerRun,
  hooks: RuntimeHook[],
  deferConnect: boolean,
): Promise<void> {
  const { deps } = room;
  await takeOverHostname(room, container);
  const network = networkedContainer(container.record, container.directory);
  const [sandbox, mounts] = await settleAll([
    prepareNetwork(room, network, { deferConnect }),
    mountsOf(deps, container),
    mountVolumes(room, container),
    shareMemory(container),
  ]);
  await prepareMountPoints(deps, container, mounts);
  const sources = await sourcesOfMounts(container.record.mountPoints);
  await using subpaths = await mountSubpaths(container);
  await using images = await mountImageVolumes(deps, container);
  const spec = await withRootfsReader(deps, container, mounts, (rootfs) => {
    const { spec, warnings } = built({
      record: container.record,
      facts: deps.facts,
      settings: deps.specSettings,
      rootPath: "rootfs",
      rootfs,
      devices: deps.devices,
      mountInfo: () => deps.mountInfo(),
      network: sandbox,
      linkEnv: deps.networks.linkEnvironment(network),
      hooks,
      joined: joinedOwners(container.record, (ref) => namespaceOwner(room, ref)),
      subpaths: subpaths.places,
      sources,
      imagePlaces: images.places,
      ...(container.record.hostConfig.IpcMode === "shareable" ? { shmPath: sharedMemoryPath(container) } : {}),
    });
    for (const warning of warnings) deps.log.warn(warning, { container: container.id });
    if (container.record.pod && spec.process) run.processUser = { additionalGids: [], ...spec.process.user };
    return spec;
  });
  try {
    await putContainerdRecord(room, container, spec);
    run.pid = await newTask(
      room,
      container,
      {
        rootfs: mounts.map(({ type, source, options }): Mount => ({ type, source, options })),
        stdio: run.stdio.paths,
      },
      { timeoutMs: createTimeoutMs(hooks), signal: run.calledOff.signal },
    );
    watchExit(room, container, run);
  } catch (thrown) {
    throw new RuntimeRefusal(thrown, hooks);
  }
}

/** What a container has whose end was told a moment ago, an address or a port, may not be given back yet: then that is waited for. */
async function prepareNetwork(
  { deps, registry }: ContainerRoom,
  ...request: Parameters<ContainerRoom["deps"]["networks"]["prepare"]>
): ReturnType<ContainerRoom["deps"]["networks"]["prepare"]> {
  try {
    return await deps.networks.prepare(...request);
  } catch (error) {
    const ending = registry.all.flatMap(({ run }) => (run?.over === true ? [run.finished.promise] : []));
    if (ending.length === 0) throw error;
    await ended(
      Promise.all(ending).then(() => undefined),
      killTimeoutMs,
    );
    return await deps.networks.prepare(...request);
  }
}

/** Nothing is wrong with a request to start what cannot be started: it is no bad request, whatever the container asks for. */
function built(input: SpecInput): ReturnType<typeof buildSpec> {
  try {
    return buildSpec(input);
  } catch (cause) {
    if (isKind(cause, "invalidArgument", "notFound")) throw internal(cause.message, { cause });
    throw cause;
  }
}

/** Whoever shares another's network has its host name too; that one may not have been there at create. */
async function takeOverHostname({ registry }: ContainerRoom, container: Container): Promise<void> {
  const { config, hostConfig } = container.record;
  const ref = containerOfMode(hostConfig.NetworkMode ?? "");
  const owner = ref === undefined ? undefined : registry.find(ref);
  if (!owner?.isRunning) return;
  const { Hostname = "", Domainname = "" } = owner.record.config;
  if (config.Hostname === Hostname && config.Domainname === Domainname) return;
  await container.change({ config: { ...config, Hostname, Domainname } });
}

function runtimeOf({ deps }: ContainerRoom, { record }: Container): RuntimeChoice {
  return deps.runtime(record.hostConfig.Runtime ?? "", record.hostConfig.RuntimeType);
}

/** The runtime's own work, and the hooks' besides. */
function createTimeoutMs(hooks: readonly RuntimeHook[]): number {
  return 60_000 + hooks.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds * 1000, 0);
}

/** Marks what containerd refused: only that is told in the words of a failed task. */
class RuntimeRefusal extends Error {
  readonly hooks: readonly RuntimeHook[];

  constructor(thrown: unknown, hooks: readonly RuntimeHook[]) {
    super("the runtime refused", { cause: thrown });
    this.hooks = hooks;
  }
}

/** Made with the first start, changed with every later one: what the spec says depends on the moment. */
async function putContainerdRecord(room: ContainerRoom, container: Container, spec: unknown): Promise<void> {
  const { deps } = room;
  const { record } = container;
  if (record.state.startedAt !== zeroTime) {
    try {
      return await deps.containerd.containers.update(container.id, { spec });
    } catch (error) {
      if (!isKind(error, "notFound")) throw error;
      // Gone, by hand or with containerd's root: made anew.
    }
  }
  const fresh = {
    id: container.id,
    labels: { [ownerLabel]: container.id },
    image: record.image.reference,
    runtime: runtimeOf(room, container),
    spec,
    snapshotter: record.snapshotter,
    snapshotKey: container.id,
  };
  try {
    await deps.containerd.containers.create(fresh);
  } catch (error) {
    if (!isKind(error, "alreadyExists")) throw error;
    // A start that was cut short left it: it may say another runtime.
    await deps.containerd.containers.delete(container.id);
    await deps.containerd.containers.create(fresh);
  }
}

async function mountVolumes({ deps }: ContainerRoom, { record }: Container): Promise<void> {
  await prepareBindSources(record.mountPoints);
  for (const { type, name, destination, rw, propagation } of record.mountPoints)
    if (type === "volume" && name !== undefined)
      await deps.volumes.mount(name, { containerId: record.id, destination, rw, propagation });
}

async function shareMemory(container: Container): Promise<void> {
  const { IpcMode, ShmSize = 64 << 20 } = container.record.hostConfig;
  if (IpcMode === "shareable") await mountSharedMemory(sharedMemoryPath(container), ShmSize);
}

/** What hooks need that are shell's work. */
const hookPlace = ({ deps }: ContainerRoom, container: Container) => ({
  makeFifo: (path: string) => deps.stdio.makeFifo(path),
  directory: container.execDirectory,
  shell: deps.shell ?? "/bin/sh",
});

function networkBarrier(room: ContainerRoom, container: Container): Promise<NetworkBarrier> {
  return openNetworkBarrier({
    ...hookPlace(room, container),
    timeoutSeconds: barrierTimeoutSeconds,
    connect: () => room.deps.networks.connect(networkedContainer(container.record, container.directory)),
  });
}

/** Takes everything back and throws what the client is to hear. */
async function failStart(
  room: ContainerRoom,
  container: Container,
  run: ContainerRun,
  thrown: unknown,
  byPolicy: boolean,
): Promise<never> {
  const cause = thrown instanceof RuntimeRefusal ? thrown.cause : thrown;
  const refused = thrown instanceof RuntimeRefusal || run.pid !== 0;
  const prefix = run.pid === 0 ? "failed to create task for container" : "failed to start task for container";
  const hooks = thrown instanceof RuntimeRefusal ? thrown.hooks : [];
  const failure = run.calledOff.signal.aborted
    ? { exitCode: failedStartCode, error: conflict(markedForRemoval) }
    : refused
      ? runtimeFailure(prefix, cause, hooks)
      : { exitCode: failedStartCode, error: cause };
  run.suspended = true;
  run.over = true;
  await releaseRun(room, container, run, { kill: true });
  // Nobody asked who would have to hear it: the policy asks again.
  if (byPolicy && isPassing(cause)) throw failure.error;
  const state = failedStart(room.deps, container.record, failure.error, failure.exitCode);
  container.note({ state });
  // Who waits for a run's end hears nothing of one that never began, as with dockerd; here the last one ended, and no other follows.
  if (byPolicy) container.report(["next-exit", "not-running"], { exitCode: state.exitCode, error: state.error });
  throw failure.error;
}
