import { deadlineExceeded, isKind } from "@pouchcontainer/errors";
import type { ContainerRoom } from "./container-room.ts";
import { killSignal } from "./send-signal.ts";

/** Removes a task, running or not; one that is gone is fine. */
export async function deleteTask({ deps }: Pick<ContainerRoom, "deps">, id: string, kill: boolean): Promise<void> {
  const { tasks } = deps.containerd;
  const ignoreMissing = (error: unknown): undefined => {
    if (!isKind(error, "notFound")) throw error;
  };
  if (kill) {
    const task = await tasks.get(id).catch(ignoreMissing);
    // containerd's word for a shim that does not answer: nor would it answer what follows.
    if (task?.status === "unknown") throw deadlineExceeded(`the shim of container ${id} does not answer`);
    const exited = tasks.wait(id, undefined, { timeoutMs: 10_000 }).catch(() => undefined);
    await tasks.kill(id, { signal: killSignal, all: true }).catch(() => undefined);
    // What is frozen dies when it is thawed, unless the signal has reached it already.
    if (task?.status === "paused" || task?.status === "pausing") await tasks.resume(id).catch(() => undefined);
    if (task && task.status !== "created") await exited;
  }
  await tasks.delete(id).catch(ignoreMissing);
}
