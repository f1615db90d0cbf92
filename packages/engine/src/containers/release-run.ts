import { removeTree } from "../remove-tree.ts";
import { settleAll } from "../settle-all.ts";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";
import { deleteTask } from "./delete-task.ts";
import { clearRuntime } from "./leftovers/clear-run.ts";
import { sharedMemoryPath, unmount } from "./rootfs.ts";

/**
 * Takes back everything a run had; with `kill` its process may still be there. Each part is tried whatever became of the others;
 * what fails is logged and tried again later.
 */
export async function releaseRun(
  room: ContainerRoom,
  container: Container,
  run: ContainerRun,
  { kill = false }: { kill?: boolean } = {},
): Promise<void> {
  const { deps } = room;
  let clean = true;
  const attempt = async (what: string, work: () => Promise<unknown> | undefined): Promise<void> => {
    try {
      await work();
    } catch (error) {
      clean = false;
      deps.log.warn(`${what} of a stopped container could not be released`, { container: container.id, error: String(error) });
    }
  };
  await attempt("the task", () => (kill ? clearRuntime(room, container) : deleteTask(room, container.id, false)));
  // A process that could not be ended keeps its network and its volumes until it is.
  const inUse = kill && !clean;
  // Who has attached since the exit was told waits for the next run.
  container.endStreams(run.stdio.hub);
  await Promise.all([
    attempt("the log and the standard streams", () => releaseOutput(run)),
    ...(inUse ? [] : places(room, container).map(([what, release]) => attempt(what, release))),
  ]);
  if (!inUse) await attempt("the runtime folder", () => removeTree(container.execDirectory));
  if (!clean) {
    container.unsure = true;
    room.leftovers.soon();
  }
  if (container.run === run) container.run = undefined;
  run.finished.resolve();
}

/** A daemon that takes up a run whose end was not recorded must not log again what its journals have. */
async function releaseOutput({ log, stdio }: ContainerRun): Promise<void> {
  await settleAll([log?.close(), stdio.dispose()]);
  log?.forgetJournals();
}

/** What was put in place for the process. */
function places({ deps }: ContainerRoom, container: Container): [string, () => Promise<unknown> | undefined][] {
  const { id, record } = container;
  return [
    ["the network", () => deps.networks.release(id)],
    ...record.mountPoints.map(({ type, name, destination }): [string, () => Promise<unknown> | undefined] => [
      "a volume",
      () => (type === "volume" && name !== undefined ? deps.volumes.unmount(name, { containerId: id, destination }) : undefined),
    ]),
    ["the shared memory", () => (record.hostConfig.IpcMode === "shareable" ? unmount(sharedMemoryPath(container)) : undefined)],
  ];
}
