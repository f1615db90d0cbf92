import { conflict, internal, isKind } from "@pouchcontainer/errors";
import { removeTree } from "../remove-tree.ts";
import { settleAll } from "../settle-all.ts";
import { ended } from "../ended.ts";
import type { Container } from "./container.ts";
import { isHalfRemoved, isPromisedGone, type ContainerRecord } from "./container-record.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom, RemoveOptions } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";
import { removeImageViews } from "./image-volumes.ts";
import { clearRun, endProcesses } from "./leftovers/clear-run.ts";
import { inspectContainer } from "./list-containers.ts";
import { chainContext } from "./network-view.ts";
import { killSignal, sendLastSignal } from "./send-signal.ts";
import { takeDownFolder } from "./take-down-folder.ts";

/** A process that does not die of SIGKILL hangs in the kernel; taking down what it used has its own time besides. */
const endTimeoutMs = 30_000;

/** How long a removal by force waits for a start that is under way, as with dockerd; then it calls it off: hooks of plugins may take minutes. */
const startPatienceMs = 2000;

/** Removes a container and everything of it. One removal at a time; a failed one can be tried again. */
export async function removeContainer(room: ContainerRoom, container: Container, options: RemoveOptions): Promise<void> {
  const startsSettled = container.startsSettled();
  if (options.force) await ended(startsSettled, startPatienceMs);
  else await startsSettled;
  await container.promisedRemoval;
  if (container.promisedRemoval && container.removed) return;
  refuseRemoval(container, options);
  if (options.asked) {
    const { record } = container;
    const { chains } = room.deps;
    await chains.ask("container.preRemove", () => ({ container: inspectContainer(room, container) }), chainContext(record));
    // Started, or removed by somebody else, while plugins were asked.
    refuseRemoval(container, options);
  }
  container.removing = true;
  if (!container.isRunning) container.run?.calledOff.abort();
  const promise = Promise.withResolvers<void>();
  const removal = removeWhole(room, container, { ...options, promise: promise.resolve });
  if (options.promised !== true) return await removal;
  container.promisedRemoval = removal.catch(() => undefined);
  await Promise.race([removal, promise.promise]);
}

interface RemovalUnderway extends RemoveOptions {
  /** Answers who asked. */
  promise: () => void;
}

async function removeWhole(room: ContainerRoom, container: Container, options: RemovalUnderway): Promise<void> {
  try {
    await container.lock.run(() => remove(room, container, options));
  } catch (error) {
    container.removing = false;
    if (options.promised && isPromisedGone(container.record))
      room.deps.log.warn("a container that was told to be gone is not removed yet, which is tried again", {
        container: container.id,
        error: String(error),
      });
    // Half removed, it cannot run again, and goes as soon as it can. One that could not even be ended is what it was.
    if (!container.removed && isHalfRemoved(container.state)) {
      container.note({ state: { status: "dead" } });
      container.unsure = true;
      room.leftovers.soon();
    }
    throw error;
  }
}

/** Goes on with a removal that was cut short, as it was asked for; of a create that was, everything goes. */
export async function finishRemoval(room: ContainerRoom, container: Container): Promise<void> {
  container.unsure = true;
  const volumes = !isHalfRemoved(container.state) || (container.record.hostConfig.AutoRemove ?? false);
  await room.remove(container, { force: true, volumes });
}

/** Before it counts as one that goes: a policy starts nothing again that does. */
function refuseRemoval(container: Container, { force }: RemoveOptions): void {
  if (container.removing) throw conflict(`removal of container ${container.record.name} is already in progress`);
  if (!force) refuseRunning(container);
}

function refuseRunning({ state, record }: Container): void {
  if (state.status === "paused")
    throw conflict(`cannot remove container "/${record.name}": container is paused and must be unpaused first`);
  if (state.status === "running" || state.status === "restarting")
    throw conflict(
      `cannot remove container "/${record.name}": container is ${state.status}: stop the container before removing or force remove`,
    );
}

async function remove(room: ContainerRoom, container: Container, options: RemovalUnderway): Promise<void> {
  const { deps, registry } = room;
  const { id, record } = container;
  // Again: what had the lock before may have started it.
  if (!options.force) refuseRunning(container);
  container.cancelRestart();
  const { run } = container;
  if (container.isRunning && run) {
    await killForGood(room, container, run);
  }
  const removal = { ...record.removal, volumes: options.volumes || (record.removal?.volumes ?? false) };
  const promised = options.promised === true && (await promiseStored(container, removal));
  if (promised) options.promise();
  await endedInTime(container, container.run?.finished.promise);
  const runs = container.isRunning;
  if (!promised) await container.change({ state: { status: "removing" }, removal }, { happened: true });

  if (container.unsure || runs) await clearRun(room, container);
  await deps.records.removal(() => deps.containerd.containers.delete(id));
  await deps.records.dropCopy(id);
  await settleAll([
    deps.records.removal(() => deps.containerd.snapshots(record.snapshotter).remove(id)),
    deps.records.removal(() => removeImageViews(deps, record)),
    deps.networks.forget(id),
    takeDownFolder(container.execDirectory),
  ]);
  // A connect or disconnect that was under way writes into it until the networks are forgotten.
  await removeTree(container.directory);
  // It uses no volume any more; its record goes last, so that whoever finds it finds what is to be done.
  container.removed = true;
  try {
    if (removal.volumes) await removeAnonymousVolumes(room, container);
    await deps.records.delete(id);
  } catch (error) {
    container.removed = false;
    throw error;
  }
  registry.remove(container);
  deps.chains.forgetTrace(id);
  publishContainerEvent(deps.events, record, "destroy");
  container.endStreams();
  container.report(["removed", "not-running", "next-exit"], { exitCode: container.state.exitCode });
}

async function endedInTime({ record }: Container, end: Promise<void> | undefined): Promise<void> {
  if (end === undefined || (await ended(end, endTimeoutMs))) return;
  throw internal(
    `cannot remove container "/${record.name}": could not kill: tried to kill container, but did not receive an exit event`,
  );
}

/** Whether it is stored that it goes. A disk that has no room for that promises nothing: it goes before the answer then. */
async function promiseStored(container: Container, removal: Required<ContainerRecord>["removal"]): Promise<boolean> {
  await endedInTime(container, container.run?.settled.promise);
  try {
    await container.changeIfStored({ state: { status: "removing" }, removal: { ...removal, promised: true } });
    return true;
  } catch {
    return false;
  }
}

/** How long a shim may take over the last signal: longer than it takes to notice that it is containerd that hangs, which ends nothing. */
const killPatienceMs = 20_000;

/** What hangs is not asked for ever: the processes are ended without it, and itself with them. */
async function killForGood(room: ContainerRoom, container: Container, run: ContainerRun): Promise<void> {
  try {
    await sendLastSignal(room, container, run, { signal: killSignal, thaw: true, timeoutMs: killPatienceMs });
  } catch (error) {
    if (!isKind(error, "deadlineExceeded")) throw error;
    room.deps.log.warn("the shim of a container that is removed does not answer and is killed", { container: container.id });
    publishContainerEvent(room.deps.events, container.record, "kill", { signal: String(killSignal) });
    await endProcesses(room, container);
  }
}

async function removeAnonymousVolumes({ deps }: ContainerRoom, { record }: Container): Promise<void> {
  for (const { type, name, anonymous } of record.mountPoints) {
    if (type !== "volume" || name === undefined || !anonymous) continue;
    try {
      await deps.volumes.remove(name, { force: true, onRecord: true });
    } catch (error) {
      // Another container took it over with --volumes-from: it goes with that one.
      if (!isKind(error, "conflict")) throw error;
    }
  }
}
