import { takeBack } from "./forget-pod.ts";
import { noteEnd } from "./note-end.ts";
import { findPod, type PodRoom } from "./pod-room.ts";

/**
 * Ends a pod's containers and takes back what it has on the machine. A pod that is stopped or gone already is no error (CRI,
 * `StopPodSandbox`). When it fails the pod is not ready all the same, and can be stopped again.
 */
export async function stopPod(room: PodRoom, ref: string): Promise<void> {
  const found = findPod(room, ref);
  if (found === undefined) return;
  await room.locks.run(found.id, () => stopLocked(room, found.id));
}

/** The caller holds the pod's lock. */
export async function stopLocked(room: PodRoom, id: string): Promise<void> {
  const { deps } = room;
  const record = deps.records.get(id);
  if (record === undefined) return;
  // First: no container comes into it any more.
  if (record.state === "ready") await noteEnd(room, record);
  deps.kernel.disconnect({ id });
  await deps.containers.stopAll(id);
  const ended = deps.records.get(id);
  if (ended === undefined || ended.stopped === true) return;
  const bare = await takeBack(room, ended);
  await deps.records.put(id, { ...bare, stopped: true }, { happened: true });
}
