import { forgetPod } from "./forget-pod.ts";
import { findPod, type PodRoom } from "./pod-room.ts";
import { stopLocked } from "./stop-pod.ts";

/** Stops a pod where it was not, removes its containers, then all there is of it. One that is gone is no error (CRI, `RemovePodSandbox`). */
export async function removePod(room: PodRoom, ref: string): Promise<void> {
  const found = findPod(room, ref);
  if (found === undefined) return;
  await room.locks.run(found.id, () => removeLocked(room, found.id));
}

/** The caller holds the pod's lock. */
export async function removeLocked(room: PodRoom, id: string): Promise<void> {
  const { deps } = room;
  const record = deps.records.get(id);
  if (record === undefined) return;
  if (record.removing !== true) await deps.records.put(id, { ...record, removing: true }, { happened: true });
  await stopLocked(room, id);
  await deps.containers.removeAll(id);
  const last = deps.records.get(id);
  if (last !== undefined) await forgetPod(room, last);
}
