import { conflict, isKind } from "@pouchcontainer/errors";
import { ProcessGone } from "@pouchcontainer/files";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";

/**
 * Does something with a running container. Where it fails because the container ends meanwhile, that is said, in Docker's words; its exit
 * is not told yet.
 */
export async function whileRunning<T>(
  room: Pick<ContainerRoom, "deps">,
  container: Container,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (await isProcessGone(room, container.id, error))
      throw conflict(`container ${container.id} is not running`, { cause: error });
    throw error;
  }
}

/** Whether a call failed because the container's process, or its shim, went while the call was on its way. */
export async function isProcessGone({ deps }: Pick<ContainerRoom, "deps">, id: string, error: unknown): Promise<boolean> {
  if (error instanceof ProcessGone || words.test(String(error))) return true;
  // What a runtime says depends on how far it came.
  try {
    return (await deps.containerd.tasks.get(id)).status === "stopped";
  } catch (missing) {
    return isKind(missing, "notFound");
  }
}

/** Told before the task is seen to have stopped. */
const words =
  /process already finished|ttrpc: closed|container not running|task [0-9a-f]{64} not found|cannot \w+ (?:in )?a (?:stopped|deleted) (?:container|state|process)/;
