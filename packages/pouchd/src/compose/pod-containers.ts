import { isOfPlugin, type ContainerManager, type ContainerRecord, type PodContainers } from "@pouchcontainer/engine";
import { isKind, type ErrorKind } from "@pouchcontainer/errors";

export interface PodContainersDeps {
  /** What the store has: there before the manager has looked at it. */
  records: { values(): Iterable<Pick<ContainerRecord, "pod">> };
  containers: Pick<ContainerManager, "records" | "stop" | "remove" | "wait">;
}

/** How long one that was killed may take, whatever time of grace it has. */
const killSeconds = 10;

/** How long somebody else's removal of a container is waited for. */
const removalMs = 60_000;

/** Containers as pods see them: those that say they are in one. */
export function podContainers({ records, containers }: PodContainersDeps): PodContainers {
  const idsIn = (podId: string): string[] =>
    containers
      .records()
      .filter(({ pod }) => pod?.podId === podId)
      .map(({ id }) => id);

  return {
    podIds: () => new Set([...records.values()].flatMap(({ pod }) => pod?.podId ?? [])),
    // Its pod ends: there is no time of grace (CRI, `StopPodSandbox`).
    stopAll: (podId) =>
      ofEach(idsIn(podId), (id) =>
        unlessDone(containers.stop(id, { signal: "SIGKILL", timeoutSeconds: killSeconds }), "notModified", "notFound"),
      ),
    removeAll: (podId) => ofEach(idsIn(podId), (id) => remove(containers, id)),
  };
}

async function remove(containers: PodContainersDeps["containers"], id: string): Promise<void> {
  try {
    await containers.remove(id, { force: true, volumes: true, link: false });
  } catch (error) {
    if (isKind(error, "notFound")) return;
    // Somebody else removes it, unless it is a plugin's word.
    if (!isKind(error, "conflict") || isOfPlugin(error)) throw error;
    await unlessDone(containers.wait(id, "removed", AbortSignal.timeout(removalMs)).result, "notFound");
  }
}

async function unlessDone(work: Promise<unknown>, ...done: ErrorKind[]): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, ...done)) throw error;
  }
}

/** Side by side; one that fails keeps no other, and is what is told. */
async function ofEach(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(ids.map(work));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
}
