import { isKind } from "@pouchcontainer/errors";
import { removeTree } from "../remove-tree.ts";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";
import { sharedMemoryPath, unmount } from "./rootfs.ts";
import { killSignal } from "./send-signal.ts";

/** Takes back everything a run had. Each part is tried whatever became of the others; what fails is logged and left to recovery. */
export async function releaseRun(
  room: ContainerRoom,
  container: Container,
  run: ContainerRun,
  options: { kill?: boolean } = {},
): Promise<void> {
  const { deps } = room;
  const attempt = async (what: string, work: () => Promise<unknown> | undefined): Promise<void> => {
    try {
      await work();
    } catch (error) {
      deps.log.warn(`${what} of a stopped container could not be released`, { container: container.id, error: String(error) });
    }
  };
  container.taskLeft = true;
  await attempt("the task", async () => {
    await deleteTask(room, container.id, options.kill ?? false);
    container.taskLeft = false;
  });
  container.endStreams();
  await Promise.all([
    attempt("the network", () => deps.networks.release(container.id)),
    attempt("the log", () => run.log?.close()),
    attempt("the standard streams", () => run.stdio.dispose()),
    ...container.record.mountPoints.map(({ type, name, destination }) =>
      attempt("a volume", () =>
        type === "volume" && name !== undefined
          ? deps.volumes.unmount(name, { containerId: container.id, destination })
          : undefined,
      ),
    ),
    attempt("the shared memory", () =>
      container.record.hostConfig.IpcMode === "shareable" ? unmount(sharedMemoryPath(container)) : undefined,
    ),
  ]);
  await attempt("the runtime folder", () => removeTree(container.execDirectory));
  if (container.run === run) container.run = undefined;
  run.finished.resolve();
}

/** Removes a task, running or not; one that is gone is fine. */
export async function deleteTask({ deps }: Pick<ContainerRoom, "deps">, id: string, kill: boolean): Promise<void> {
  const { tasks } = deps.containerd;
  const ignoreMissing = (error: unknown): void => {
    if (!isKind(error, "notFound")) throw error;
  };
  if (kill) {
    const exited = tasks.wait(id, undefined, { timeoutMs: 10_000 }).catch(() => undefined);
    await tasks.kill(id, { signal: killSignal, all: true }).catch(() => undefined);
    const task = await tasks.get(id).catch(() => undefined);
    // What is frozen dies when it is thawed, unless the signal has reached it already.
    if (task?.status === "paused" || task?.status === "pausing") await tasks.resume(id).catch(() => undefined);
    if (task && task.status !== "created") await exited;
  }
  await tasks.delete(id).catch(ignoreMissing);
}
