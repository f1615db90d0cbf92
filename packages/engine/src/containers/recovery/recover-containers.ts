import type { TaskState } from "@pouchcontainer/containerd";
import { EngineError } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { rfc3339Nano } from "../clock.ts";
import { Container } from "../container.ts";
import { ownerLabel } from "../container-deps.ts";
import { zeroTime, type ContainerRecord } from "../container-record.ts";
import type { ContainerRoom } from "../container-room.ts";
import { ContainerRun } from "../container-run.ts";
import { mountsBelow } from "../../mounts-below.ts";
import { removeTree } from "../../remove-tree.ts";
import { networkedContainer } from "../network-view.ts";
import { findOrphans, type Unrecorded } from "../orphans/find-orphans.ts";
import { isAlive, type Orphan } from "../orphans/orphan.ts";
import { removeOrphan } from "../orphans/remove-orphan.ts";
import { deleteTask } from "../release-run.ts";
import { unmount } from "../rootfs.ts";
import { allProcesses, hasChildren, shimsOf } from "./stray-shims.ts";
import { scheduleRestart, watchExit } from "../settle-exit.ts";
import type { VolumePlace } from "../../volumes/volume-manager.ts";
import { openLog, stdioRequest, streamsDirectory } from "../start-container.ts";
import { ProcessStdio } from "../stdio/process-stdio.ts";
import { takeDownFolder } from "../take-down-folder.ts";

/**
 * Brings records and reality together after the daemon was away, for whatever reason and at whatever moment: what runs is
 * taken up, what ended is settled with its own code and time, what was half made or half removed goes away. What no record speaks of is
 * set aside, never removed.
 */
export async function recoverContainers(room: ContainerRoom): Promise<void> {
  const { deps } = room;
  const records = [...deps.records.values()];
  const [tasks, snapshots] = await Promise.all([settledTasks(room), ownSnapshots(room, records)]);
  const taskOf = new Map(tasks.map((task) => [task.containerId, task]));
  await unmountLeftovers(room);

  const wanted: Container[] = [];
  const halfDone: Container[] = [];
  for (const record of records) {
    const container = new Container(record, deps);
    const neverFinished = isBegunOnly(room, record) && !snapshots.has(record.id);
    (neverFinished || record.state.status === "removing" ? halfDone : wanted).push(container);
    room.registry.add(container);
    deps.chains.adoptTrace({ id: record.id, name: record.name }, record.trace ?? []);
  }
  const alive = wanted.filter(({ id }) => isAlive({ task: taskOf.get(id) }));
  const unrecorded = await findOrphans(room, { tasks, snapshots }, (id) => room.registry.get(id) !== undefined);
  await restoreSurroundings(room, alive, unrecorded.orphans.filter(isAlive));

  await Promise.all(
    wanted.map((container) => guarded(room, container, () => recoverOne(room, container, taskOf.get(container.id)))),
  );
  await Promise.all(halfDone.map((container) => guarded(room, container, () => finishRemoval(room, container))));
  await sortUnrecorded(room, unrecorded);
  await clearStrayFolders(room);
  endStrayShims(room, new Set(tasks.map(({ containerId }) => containerId)));
  await keepRecords(room, wanted, snapshots);
  applyPolicies(room, wanted);
}

/** Committed before its create was through: it was never answered for. */
function isBegunOnly({ deps }: ContainerRoom, { id, state }: ContainerRecord): boolean {
  return state.startedAt === zeroTime && state.status === "created" && !deps.records.hasCopy(id);
}

/** Networks and volumes of what runs, those of containers that are set aside included: they run on as they were. */
async function restoreSurroundings({ deps }: ContainerRoom, alive: Container[], orphans: Orphan[]): Promise<void> {
  const recorded = orphans.flatMap(({ record }) => (record ? [new Container(record, deps)] : []));
  const running = [...alive, ...recorded];
  await deps.networks.restore(
    running.map(({ record, directory }) => networkedContainer(record, directory)),
    new Set(orphans.map(({ id }) => id)),
  );
  deps.volumes.restore(running.flatMap(({ record }) => volumePlaces(record)));
}

/** From here on every container has its record beside it; one whose files are gone says so. */
async function keepRecords(room: ContainerRoom, containers: Container[], snapshots: Map<string, string>): Promise<void> {
  for (const container of containers) {
    const { id, record } = container;
    if (container.removed) continue;
    if (!snapshots.has(id)) {
      const error = "its files are gone: containerd has no snapshot of it";
      room.deps.log.error("a container has lost its files; it can be removed", { container: id, name: record.name });
      if (record.state.error !== error) container.note({ state: { error } });
    }
    if (!room.deps.records.hasCopy(id)) await guarded(room, container, () => room.deps.records.keepCopy(id));
  }
}

/** One container that cannot be taken up must not keep the daemon from starting. */
async function guarded(room: ContainerRoom, container: Container, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    room.deps.log.error("a container could not be taken up", { container: container.id, error: String(error) });
    container.note({ state: { error: EngineError.from(error).message } });
  }
}

const volumePlaces = (record: ContainerRecord): (VolumePlace & { name: string })[] =>
  record.mountPoints.flatMap(({ type, name, destination }) =>
    type === "volume" && name !== undefined ? [{ name, containerId: record.id, destination }] : [],
  );

/** Takes up one container with what containerd says of its task. */
export async function recoverOne(room: ContainerRoom, container: Container, task: TaskState | undefined): Promise<void> {
  const { status } = container.state;
  const ran = status === "running" || status === "paused";
  if (task && isAlive({ task })) return takeUp(room, container, task);
  const ended = task?.status === "stopped" || (task === undefined && ran);
  // One that is gone without a trace, with the machine or its shim, ends like the others: only its code is not known.
  if (ended && (ran || status === "created")) return takeUp(room, container, task ?? { status: "stopped", pid: 0 });
  // Recorded as ended already, or created and never started: what the daemon was killed over.
  // A folder without a task: containerd may have begun one that it does not list, and would refuse another.
  if (task || existsSync(container.execDirectory)) await deleteTask(room, container.id, true);
  // FIFOs, and the shared memory that is mounted for as long as a run lasts.
  await takeDownFolder(container.execDirectory);
}

/** Streams and waits of a task that is there; one that has ended goes the way of every exit from here on. */
async function takeUp(room: ContainerRoom, container: Container, task: Pick<TaskState, "status" | "pid">): Promise<void> {
  const startedAt = container.isRunning ? container.state.startedAt : await createdAt(room, container);
  const log = openLog(room, container);
  const run = new ContainerRun(await ProcessStdio.reopen(room.deps.stdio, stdioRequest(container, log)), log);
  run.pid = task.pid;
  container.run = run;
  container.note({
    state: {
      status: task.status === "paused" || task.status === "pausing" ? "paused" : "running",
      pid: task.status === "stopped" ? 0 : task.pid,
      startedAt,
    },
  });
  run.announced.resolve();
  watchExit(room, container, run);
  if (task.status === "stopped") await run.finished.promise;
  else room.healthOf(container).begin();
}

/** Of a run whose daemon was killed between its start and the record of it: its streams were made just before. */
async function createdAt({ deps }: ContainerRoom, container: Container): Promise<string> {
  const streams = await stat(streamsDirectory(container), { bigint: true }).catch(() => undefined);
  return rfc3339Nano(streams?.mtimeNs ?? deps.clock.now());
}

async function finishRemoval(room: ContainerRoom, container: Container): Promise<void> {
  await deleteTask(room, container.id, true);
  await room.deps.networks.release(container.id);
  await room.remove(container, { force: true, volumes: container.record.hostConfig.AutoRemove ?? false });
}

/** Ids of our snapshots, over every snapshotter in use. */
async function ownSnapshots({ deps }: ContainerRoom, records: ContainerRecord[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const snapshotter of new Set([deps.defaultSnapshotter, ...records.map((record) => record.snapshotter)])) {
    const snapshots = await deps.containerd.snapshots(snapshotter).list([`labels.${JSON.stringify(ownerLabel)}`]);
    for (const { name } of snapshots) found.set(name, snapshotter);
  }
  return found;
}

/** Pieces of creates that were cut short go away; containers that nobody here knows are set aside, and said. */
async function sortUnrecorded(room: ContainerRoom, { orphans, pieces }: Unrecorded): Promise<void> {
  const { deps } = room;
  for (const piece of pieces) {
    try {
      await removeOrphan(room, piece);
      deps.log.info("removed what a create that was cut short had begun", { container: piece.id });
    } catch (error) {
      deps.log.warn("what a create that was cut short had begun could not be removed", {
        container: piece.id,
        error: String(error),
      });
    }
  }
  for (const orphan of orphans) {
    const { id, task, snapshotter } = orphan;
    room.orphans.set(id, orphan);
    deps.log.warn("a container that the store does not know is set aside: see `pouch system orphans`", {
      container: id,
      task: task?.status ?? "none",
      snapshot: snapshotter ?? "none",
    });
  }
}

/** Folders of this boot whose container is gone. */
async function clearStrayFolders({ deps, registry, orphans }: ContainerRoom): Promise<void> {
  for (const id of await namesIn(deps.roots.exec)) {
    if (!/^[0-9a-f]{64}$/.test(id) || registry.get(id) || orphans.has(id)) continue;
    try {
      await takeDownFolder(join(deps.roots.exec, id));
    } catch (error) {
      deps.log.warn("a folder without a container could not be removed", { container: id, error: String(error) });
    }
  }
}

/** How long what a killed daemon had begun may go on in containerd. */
const settlingMs = 1000;

/**
 * The calls of a daemon that was killed go on in containerd for a moment. What they begin is judged when they have ended: until
 * then there are shims whose task is not listed.
 */
async function settledTasks({ deps }: ContainerRoom): Promise<TaskState[]> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const tasks = await deps.containerd.tasks.list();
    const listed = new Set(tasks.map(({ containerId }) => containerId));
    const begun = shimsOf(deps.containerd.address, allProcesses()).some(({ containerId }) => !listed.has(containerId));
    if (!begun || waitedMs >= settlingMs) return tasks;
    await sleep(100);
  }
}

/** containerd killed between the start of a shim and its note of it never finds that shim again. */
function endStrayShims({ deps }: ContainerRoom, known: Set<string>): void {
  for (const { pid, containerId } of shimsOf(deps.containerd.address, allProcesses())) {
    if (known.has(containerId) || hasChildren(pid)) continue;
    try {
      process.kill(pid, "SIGKILL");
      deps.log.info("ended a shim without a task", { container: containerId, pid });
    } catch {
      // It has ended by itself.
    }
  }
}

/** A daemon killed while it looked into a root file system leaves it mounted. */
async function unmountLeftovers({ deps }: ContainerRoom): Promise<void> {
  const places = mountsBelow(deps.mountInfo(), deps.roots.exec).filter((place) => /\/rootfs-[^/]+$/.test(place));
  for (const place of places) {
    await unmount(place);
    await removeTree(place);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Containers their policy wants running, and those that were to go when they ended. */
export function applyPolicies(room: ContainerRoom, containers: Container[]): void {
  for (const container of containers) {
    const { record } = container;
    if (container.isRunning || container.removed || container.restartTimer) continue;
    const policy = record.hostConfig.RestartPolicy?.Name;
    if (record.state.startedAt === zeroTime) continue;
    if (policy === "always" || (policy === "unless-stopped" && !record.manuallyStopped) || record.state.status === "restarting") {
      container.note({ state: { status: "restarting" } });
      scheduleRestart(room, container, 0);
    } else if (record.hostConfig.AutoRemove && !container.removing) {
      room.remove(container, { force: true, volumes: true }).catch((error: unknown) => {
        room.deps.log.warn("an ended container could not be removed", { container: container.id, error: String(error) });
      });
    }
  }
}
