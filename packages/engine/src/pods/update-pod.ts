import type { PodRoom } from "./pod-room.ts";
import { requireReady } from "./require-ready.ts";
import type { PodResources } from "./pod-config.ts";

/**
 * Records new limits of a pod (CRI, `UpdatePodSandboxResources`), and puts them in force where the control group is the pod's own: in
 * one that was there before it, the kubelet writes them itself.
 */
export async function updatePodResources(
  room: PodRoom,
  ref: string,
  { resources, overhead }: { resources?: PodResources; overhead?: PodResources },
): Promise<void> {
  const { id } = requireReady(room, ref);
  await room.locks.run(id, async () => {
    const record = requireReady(room, id);
    const config = { ...record.config, ...(resources && { resources }), ...(overhead && { overhead }) };
    if (resources) await room.deps.kernel.limit(record, resources);
    try {
      await room.deps.records.put(id, { ...record, config });
    } catch (error) {
      if (resources && record.config.resources) await room.deps.kernel.limit(record, record.config.resources);
      throw error;
    }
  });
}
