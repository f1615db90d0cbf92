import type { ContainerdClient } from "@pouchcontainer/containerd";
import { EngineError, isKind, messageChain } from "@pouchcontainer/errors";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import { clearRuntime } from "./leftovers/clear-run.ts";
import { takeDownFolder } from "./take-down-folder.ts";

type TaskRequest = Parameters<ContainerdClient["tasks"]["create"]>[0];

/** Creates the task of a container that does not run. What an outage of containerd left of an earlier one makes way. */
export async function newTask(
  room: ContainerRoom,
  container: Pick<Container, "id" | "record">,
  request: Omit<TaskRequest, "containerId">,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await room.deps.containerd.tasks.create({ ...request, containerId: container.id }, options);
    } catch (error) {
      // Folder, shim's task and runtime's state can each be left, one behind the other, and be on their way out already.
      if (options.signal?.aborted === true || attempt > mostAttempts || !(await makeWay(room, container, error))) throw error;
      await sleep(100 * attempt);
    }
  }
}

const mostAttempts = 5;

/** What a shim says whose folder an earlier, cancelled creation of the same task takes away. */
const goneMeanwhile = ["getwd: no such file or directory", "open shim log pipe"];

/** runc's words for a container whose state folder is there. */
const knownToRuntime = "container with given ID already exists";

/** Whether what the failure tells of was something left behind, which is gone now. */
async function makeWay(room: ContainerRoom, container: Pick<Container, "id" | "record">, error: unknown): Promise<boolean> {
  const text = messageChain(EngineError.from(error));
  if (goneMeanwhile.some((words) => text.includes(words))) return true;
  const bundle = leftBundle(error, container.id);
  if (bundle === undefined && !text.includes(knownToRuntime) && !isKind(error, "alreadyExists")) return false;
  await clearRuntime(room, container);
  // Where containerd is not ours, only its words say where this is.
  if (bundle !== undefined) await takeDownFolder(bundle);
  return true;
}

/** containerd killed before it had a shim for the task keeps the task's folder for ever, and stumbles over it. */
export function leftBundle(error: unknown, id: string): string | undefined {
  const match = /mkdir (\/.*\/io\.containerd\.runtime\.v2\.task\/[^/]+\/([0-9a-f]{64})): file exists/.exec(
    messageChain(EngineError.from(error)),
  );
  return match?.[2] === id ? match[1] : undefined;
}
