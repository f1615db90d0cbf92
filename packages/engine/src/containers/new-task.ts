import type { ContainerdClient } from "@pouchcontainer/containerd";
import { EngineError, isKind, messageChain } from "@pouchcontainer/errors";
import { rm } from "node:fs/promises";
import type { ContainerRoom } from "./container-room.ts";
import { mountsBelow } from "./mounts-below.ts";
import { deleteTask } from "./release-run.ts";
import { unmount } from "./rootfs.ts";

type TaskRequest = Parameters<ContainerdClient["tasks"]["create"]>[0];

/** Creates the task of a container that does not run. What an outage of containerd left of an earlier one makes way. */
export async function newTask(room: ContainerRoom, request: TaskRequest, timeoutMs: number): Promise<number> {
  const { tasks } = room.deps.containerd;
  const create = (): Promise<number> => tasks.create(request, { timeoutMs });
  try {
    return await create();
  } catch (error) {
    const bundle = leftBundle(error, request.containerId);
    if (bundle !== undefined) await removeBundle(room, bundle);
    else if (isKind(error, "alreadyExists")) await deleteTask(room, request.containerId, true);
    else throw error;
    return await create();
  }
}

/** containerd killed before it had a shim for the task keeps the task's folder for ever, and stumbles over it. */
export function leftBundle(error: unknown, id: string): string | undefined {
  const match = /mkdir (\/.*\/io\.containerd\.runtime\.v2\.task\/[^/]+\/([0-9a-f]{64})): file exists/.exec(
    messageChain(EngineError.from(error)),
  );
  return match?.[2] === id ? match[1] : undefined;
}

async function removeBundle({ deps }: ContainerRoom, bundle: string): Promise<void> {
  for (const place of mountsBelow(deps.mountInfo(), bundle)) await unmount(place);
  await rm(bundle, { recursive: true, force: true });
}
