import type { PodRecord } from "./pod-record.ts";
import type { PodRoom } from "./pod-room.ts";
import { publishPodEvent } from "./publish-pod-event.ts";

/** Notes that a pod is not ready any more, and tells so. The caller holds the pod's lock. */
export async function noteEnd({ deps }: Pick<PodRoom, "deps">, record: PodRecord): Promise<void> {
  await deps.records.put(record.id, { ...record, state: "notReady" }, { happened: true });
  publishPodEvent(deps.events, record, "die");
}
