import { messageChain } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { inBackground } from "@pouchcontainer/owners";
import { isContainerId, namesIn } from "../containers/folder-names.ts";
import { markedProcesses } from "../containers/leftovers/runtime-processes.ts";
import { killProcess } from "../kill-process.ts";
import { removeTree } from "../remove-tree.ts";
import { settleAll } from "../settle-all.ts";
import { forgetLater, forgetPod } from "./forget-pod.ts";
import { podName } from "./pod-config.ts";
import { writeHosts } from "./pod-files.ts";
import { podPaths } from "./pod-paths.ts";
import type { PodRecord } from "./pod-record.ts";
import { noteEnd } from "./note-end.ts";
import { knownPods, type PodRoom } from "./pod-room.ts";

/**
 * Brings records and the machine together at a daemon's start, before containers are looked at: what was half made goes, pods that
 * have lost what their containers join (with a reboot they all have) are not ready, and the kubelet removes them. Removals that were
 * begun are finished by `finishRemovals`, when there are containers to remove. Afterwards nothing is left of pods nobody knows.
 */
export async function recoverPods(room: PodRoom): Promise<void> {
  const { deps, names } = room;
  const records = [...deps.records.values()];
  for (const record of records) {
    if (record.state === "making") continue;
    const name = podName(record.config);
    names.set(name, record.id);
    deps.chains.adoptTrace({ id: record.id, name }, record.trace ?? []);
  }
  const strays = await strayPods(room);
  const unsettled = records.filter(({ state, stopped }) => state !== "ready" && stopped !== true);
  await endPrograms(new Set([...unsettled.map(({ id }) => id), ...strays]));
  // Side by side: plugins that hang take one deadline, however many pods they hold up.
  await settleAll(records.map((record) => settle(room, record)));
  await removeStrays(room, strays);
}

async function settle(room: PodRoom, record: PodRecord): Promise<void> {
  const { deps } = room;
  if (record.state === "making") {
    try {
      await forgetPod(room, record);
    } catch (error) {
      deps.log.warn("a pod that was half made cannot be taken back yet", { pod: record.id, error: messageChain(error) });
      inBackground("taking back what was made of a pod", () => forgetLater(room, record));
    }
  } else if (record.state === "ready") {
    // Its network is owed until the kubelet stops it: addresses are held in files, which a reboot leaves.
    if (record.boot !== deps.boot || !deps.kernel.isWhole(record)) await noteEnd(room, record);
    else await keepHosts(room, record);
  }
}

/** Made by a daemon that wrote none, it gets one: a container made in it from now on counts on that. */
async function keepHosts({ deps }: PodRoom, { id }: PodRecord): Promise<void> {
  const paths = podPaths(deps.roots, id);
  if (existsSync(paths.hosts)) return;
  await writeHosts(paths, { root: deps.hostRoot, warn: (message) => deps.log.warn(message) }).catch((error: unknown) =>
    deps.log.warn("a pod has no hosts file, and none can be written", { pod: id, error: messageChain(error) }),
  );
}

/** How often it is looked whether all have ended, and how long in between. */
const looks = 200;
const lookMs = 20;
/** For so many looks they may end by themselves: a plugin that is killed in the middle of a DEL has forgotten what the rest would be. */
const patientLooks = 150;

/** What the daemon before began of pods, plugins and runtime, and was killed over: undoing must not race with it. */
async function endPrograms(ids: ReadonlySet<string>): Promise<void> {
  for (let look = 0; look < looks; look++) {
    const pids = await markedProcesses(ids);
    if (pids.length === 0) return;
    if (look >= patientLooks) for (const pid of pids) killProcess(pid);
    await sleep(lookMs);
  }
}

/** Pods that have folders and no record, and no container says it is in. */
async function strayPods({ deps }: PodRoom): Promise<string[]> {
  const { home, exec } = deps.roots;
  const found = new Set([...(await namesIn(home)), ...(await namesIn(exec))].filter(isContainerId));
  const inUse = new Set(deps.containers.podIds());
  return [...found].filter((id) => deps.records.get(id) === undefined && !inUse.has(id));
}

async function removeStrays({ deps }: PodRoom, strays: readonly string[]): Promise<void> {
  const attachments = [...deps.records.values()].flatMap(({ network }) => network ?? []);
  await deps.network
    .collect(
      attachments,
      strays.map((id) => ({ id, netnsPath: podPaths(deps.roots, id).network })),
    )
    .catch((error: unknown) => deps.log.warn("CNI plugins could not collect garbage", { error: messageChain(error) }));
  for (const id of strays) {
    try {
      await deps.kernel.takeDown({ id, groups: [] });
      await removeTree(podPaths(deps.roots, id).home);
      deps.log.warn("what is left of a pod nobody knows is removed", { pod: id });
    } catch (error) {
      deps.log.warn("what is left of a pod nobody knows cannot be removed", { pod: id, error: messageChain(error) });
    }
  }
}

/** Asks the plugins about the networks of the pods that are ready, one after the other, and tells what is not as they left it. */
export async function checkNetworks(room: PodRoom): Promise<void> {
  const { deps, open } = room;
  for (const { id } of knownPods(room)) {
    const record = deps.records.get(id);
    if (record?.state !== "ready" || record.network === undefined) continue;
    try {
      // Without its lock: a plugin that hangs must not keep anybody from stopping the pod.
      await deps.network.check(record.network, open);
    } catch (error) {
      if (open.aborted) return;
      if (deps.records.get(id)?.state === "ready")
        deps.log.warn("the network of a pod is not as it was made", { pod: id, error: messageChain(error) });
    }
  }
}
