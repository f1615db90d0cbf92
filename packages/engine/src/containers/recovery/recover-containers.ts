import { setTimeout as sleep } from "node:timers/promises";
import { isKind } from "@pouchcontainer/errors";
import { makeFolders } from "@pouchcontainer/owners";
import { finishCommit } from "../commit-container.ts";
import { Container } from "../container.ts";
import { ownerLabel } from "../container-deps.ts";
import { isHalfRemoved, zeroTime, type ContainerRecord } from "../container-record.ts";
import type { ContainerRoom } from "../container-room.ts";
import { failedStart } from "../failed-start.ts";
import { readLostExecStreams } from "../exec-streams.ts";
import { clearStrayImageViews } from "../image-volumes.ts";
import { clearStrays } from "../leftovers/clear-strays.ts";
import { footprints, type Footprint } from "../leftovers/footprints.ts";
import { networkedContainer } from "../network-view.ts";
import { findOrphans, type Unrecorded } from "../orphans/find-orphans.ts";
import { isAlive, type Orphan } from "../orphans/orphan.ts";
import { removeOrphan } from "../orphans/remove-orphan.ts";
import { finishRemoval } from "../remove-container.ts";
import { scheduleRestart } from "../settle-exit.ts";
import { finishUpdate } from "../update-container.ts";
import type { VolumePlace } from "../../volumes/volume-manager.ts";
import { settleIdle } from "./settle-idle.ts";

/** How often an operator is told why a start takes long. */
const toldEveryMs = 10_000;

/**
 * Brings records and reality together after the daemon was away, for whatever reason and at whatever moment: what runs is
 * taken up, what ended is settled with its own code and time, what was half made or half removed goes away. What no record speaks of is
 * set aside, never removed.
 */
export async function recoverContainers(room: ContainerRoom): Promise<void> {
  const telling = setInterval(() => {
    room.deps.log.info("the API is served when all containers were asked how they are: some have not answered yet");
  }, toldEveryMs);
  try {
    await recover(room);
  } finally {
    clearInterval(telling);
  }
}

async function recover(room: ContainerRoom): Promise<void> {
  const { deps } = room;
  using _execs = await readLostExecStreams(deps.roots.exec);
  const records = [...deps.records.values()];
  const [found, snapshots] = await Promise.all([settledFootprints(room), ownSnapshots(room, records)]);
  const tasks = [...found.values()].flatMap(({ task }) => task ?? []);

  const wanted: Container[] = [];
  const halfDone: Container[] = [];
  for (const record of records) {
    const container = new Container(record, deps);
    const neverFinished = isBegunOnly(room, record) && !snapshots.has(record.id);
    (neverFinished || isHalfRemoved(record.state) ? halfDone : wanted).push(container);
    room.registry.add(container);
    deps.chains.adoptTrace({ id: record.id, name: record.name }, record.trace ?? []);
  }
  const alive = wanted.filter(({ id }) => isAlive({ task: found.get(id)?.task }));
  const unrecorded = await findOrphans(room, { tasks, snapshots }, (id) => room.registry.get(id) !== undefined);
  await restoreSurroundings(room, alive, unrecorded.orphans.filter(isAlive));

  await Promise.all(
    wanted.map((container) =>
      guarded(room, container, () => settleIdle(room, container, found.get(container.id), { told: false })),
    ),
  );
  await Promise.all(wanted.map((container) => guarded(room, container, () => finishUpdate(room, container))));
  await Promise.all(wanted.map((container) => guarded(room, container, () => finishCommit(room, container))));
  await Promise.all(halfDone.map((container) => guarded(room, container, () => finishRemoval(room, container))));
  await sortUnrecorded(room, unrecorded);
  await clearStrays(room, found);
  await clearImageViews(room, records);
  await keepRecords(room, wanted, snapshots);
  applyPolicies(room, wanted);
}

/** Views of images that a create which was cut short has made. */
async function clearImageViews({ deps, registry, orphans }: ContainerRoom, records: ContainerRecord[]): Promise<void> {
  for (const snapshotter of new Set([deps.defaultSnapshotter, ...records.map((record) => record.snapshotter)]))
    await clearStrayImageViews(deps, snapshotter, (id) => registry.get(id) !== undefined || orphans.has(id));
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
  await deps.volumes.restore(running.flatMap(({ record }) => volumePlaces(record)));
}

/** From here on every container has its folder, and its record in it; one whose files are gone says so. */
async function keepRecords(room: ContainerRoom, containers: Container[], snapshots: Map<string, string>): Promise<void> {
  for (const container of containers) {
    const { id, record } = container;
    if (container.removed || container.removing) continue;
    if (!snapshots.has(id)) {
      const error = "its files are gone: containerd has no snapshot of it";
      room.deps.log.error("a container has lost its files; it can be removed", { container: id, name: record.name });
      // Of a pod, it is told as one whose start failed.
      const over = record.pod !== undefined && record.state.status === "created";
      if (record.state.error !== error) container.note({ state: over ? failedStart(room.deps, record, error) : { error } });
    }
    // Under the lock that a removal takes: it must not find something new in the folder it takes away.
    const keep = async (): Promise<void> => {
      if (container.removed) return;
      if ((await makeFolders(container.directory, 0o710)) !== undefined)
        room.deps.log.warn("the folder of a container was gone, and its log with it", { container: id, name: record.name });
      if (!room.deps.records.hasCopy(id)) await room.deps.records.keepCopy(id);
    };
    await guarded(room, container, () => container.lock.run(keep));
  }
}

/** One container that cannot be taken up must not keep the daemon from starting. */
async function guarded(room: ContainerRoom, container: Container, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const facts = { container: container.id, error: String(error) };
    // Its shim may be busy, and the container well: the next look tries again.
    if (isKind(error, "deadlineExceeded", "unavailable")) room.deps.log.warn("a container is not taken up in full yet", facts);
    else room.deps.log.error("a container could not be taken up", facts);
    container.unsure = true;
  }
}

const volumePlaces = (record: ContainerRecord): (VolumePlace & { name: string })[] =>
  record.mountPoints.flatMap(({ type, name, destination }) =>
    type === "volume" && name !== undefined ? [{ name, containerId: record.id, destination }] : [],
  );

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

/** How long what a killed daemon had begun may go on in containerd. */
const settlingMs = 1000;

/**
 * The calls of a daemon that was killed go on in containerd for a moment. What they begin is judged when they have ended: until
 * then there are shims whose task is not listed.
 */
async function settledFootprints(room: ContainerRoom): Promise<Map<string, Footprint>> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const found = await footprints(room);
    const begun = [...found.values()].some(({ task, traces }) => !task && traces.has("shim"));
    if (!begun || waitedMs >= settlingMs) return found;
    await sleep(100);
  }
}

/** Containers their policy wants running, and those that were to go when they ended. */
export function applyPolicies(room: ContainerRoom, containers: Container[]): void {
  for (const container of containers) {
    const { record } = container;
    if (container.isRunning || container.removed || container.restartIsDue) continue;
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
