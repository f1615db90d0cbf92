import { messageChain } from "@pouchcontainer/errors";
import { settleAll } from "../settle-all.ts";
import { knownPods, type PodRoom } from "./pod-room.ts";
import { removeLocked } from "./remove-pod.ts";

/** Finishes the removals a daemon was killed over. One that cannot be finished now is the kubelet's to ask for again. */
export async function finishRemovals(room: PodRoom): Promise<void> {
  const begun = knownPods(room).filter(({ removing }) => removing === true);
  await settleAll(
    begun.map(({ id }) =>
      room.locks
        .run(id, () => removeLocked(room, id))
        .catch((error: unknown) =>
          room.deps.log.warn("the removal of a pod, which was begun, cannot be finished", {
            pod: id,
            error: messageChain(error),
          }),
        ),
    ),
  );
}
