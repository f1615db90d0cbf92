import { messageChain } from "@pouchcontainer/errors";
import { setTimeout as sleep } from "node:timers/promises";
import { removeTree } from "../remove-tree.ts";
import { podPaths } from "./pod-paths.ts";
import type { PodRecord } from "./pod-record.ts";
import { publishPodEvent } from "./publish-pod-event.ts";
import { freeName, type PodRoom } from "./pod-room.ts";

/** Whether what plugins learn from, the namespace, stays until they have done their part (bridge finds its rules by the addresses in it). */
interface TakeBackOptions {
  keepOnFailure: boolean;
}

/**
 * Takes back what a pod has of its network and in the kernel; answers with the record as it is then. Plugins that fail leave the network
 * owed, and with `keepOnFailure` the rest as it is, for whoever asks again.
 */
export async function takeBack(
  { deps }: Pick<PodRoom, "deps">,
  record: PodRecord,
  { keepOnFailure }: TakeBackOptions = { keepOnFailure: true },
): Promise<PodRecord> {
  const failures: unknown[] = [];
  if (record.network)
    await deps.network.detach(record.network).catch((error: unknown) => {
      if (keepOnFailure) throw error;
      failures.push(error);
    });
  await deps.kernel.takeDown(record);
  if (failures.length > 0) throw failures[0];
  const { network: _network, init: _init, ...rest } = record;
  return { ...rest, groups: [] };
}

/** Takes everything back and forgets the pod. The record is the last to go: until then the next daemon knows what to look for. */
export async function forgetPod(room: PodRoom, record: PodRecord, options?: TakeBackOptions): Promise<void> {
  await takeBack(room, record, options);
  await forgetRecord(room, record);
}

async function forgetRecord(room: PodRoom, record: PodRecord): Promise<void> {
  const { deps } = room;
  await removeTree(podPaths(deps.roots, record.id).home);
  await deps.records.delete(record.id);
  deps.chains.forgetTrace(record.id);
  freeName(room, record);
  // One that was never answered for was nobody's.
  if (record.state !== "making") publishPodEvent(deps.events, record, "destroy");
}

/** Milliseconds until the first further attempt; each pause is twice the one before. */
const firstPauseMs = 5_000;
/** Some ten minutes. */
const attempts = 7;

/**
 * Takes back what is left of a pod that was never answered for, with pauses, until it is done or the daemon ends: then it is the next
 * one's. With the second of these attempts, whatever comes of it, what it has in the kernel goes: the kubelet makes another every few
 * seconds. Plugins that refuse to the last (their configuration may be wrong for good) are left alone after that.
 */
export async function forgetLater(room: PodRoom, record: PodRecord): Promise<void> {
  const { log } = room.deps;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      await sleep(firstPauseMs * 2 ** (attempt - 1), undefined, { signal: room.open, ref: false });
    } catch {
      return;
    }
    try {
      await room.locks.run(record.id, () => forgetPod(room, record, { keepOnFailure: attempt === 1 }));
      return;
    } catch (error) {
      log.warn("what was made of a pod cannot be taken back yet", { pod: record.id, attempt, error: messageChain(error) });
    }
  }
  log.warn("CNI plugins do not give back what they may hold of a pod that could not be made", { pod: record.id });
  await forgetRecord(room, record);
}
