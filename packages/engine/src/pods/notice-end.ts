import { inBackground } from "@pouchcontainer/owners";
import { noteEnd } from "./note-end.ts";
import type { PodRecord } from "./pod-record.ts";
import type { PodRoom } from "./pod-room.ts";

/**
 * A pod as it is: one whose pid namespace has lost its first process, which somebody may have killed, is not ready. Nobody is told of such an
 * end, so it is looked at when the pod is, and noted.
 */
export function noticeEnd(room: PodRoom, pod: PodRecord): PodRecord {
  const { deps, locks } = room;
  if (pod.state !== "ready" || !deps.kernel.hasEnded(pod)) return pod;
  inBackground("noting the end of a pod", () =>
    locks.run(pod.id, async () => {
      const record = deps.records.get(pod.id);
      if (record?.state !== "ready") return;
      deps.log.warn("the process that holds a pod's pid namespace has ended: the pod is not ready any more", { pod: pod.id });
      await noteEnd(room, record);
    }),
  );
  return { ...pod, state: "notReady" };
}
