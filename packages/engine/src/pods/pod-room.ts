import { notFound } from "@pouchcontainer/errors";
import type { KeyedMutex } from "../keyed-mutex.ts";
import { podName } from "./pod-config.ts";
import type { PodDeps } from "./pod-deps.ts";
import type { PodRecord } from "./pod-record.ts";

/** What the operations on pods share. */
export interface PodRoom {
  readonly deps: PodDeps;
  /** One operation at a time per pod. */
  readonly locks: KeyedMutex;
  /** Names of pods that are there or being made, with the ids that have them. */
  readonly names: Map<string, string>;
  /** Undoings that failed are tried again until this is over. */
  readonly open: AbortSignal;
}

/** Pods that were answered for. */
export function knownPods({ deps }: Pick<PodRoom, "deps">): PodRecord[] {
  return [...deps.records.values()].filter(({ state }) => state !== "making");
}

/** By id, or a prefix of it that only one has. */
export function findPod(room: Pick<PodRoom, "deps">, ref: string): PodRecord | undefined {
  const exact = room.deps.records.get(ref);
  if (exact !== undefined) return exact.state === "making" ? undefined : exact;
  const matching = ref === "" ? [] : knownPods(room).filter(({ id }) => id.startsWith(ref));
  return matching.length === 1 ? matching[0] : undefined;
}

export function requirePod(room: Pick<PodRoom, "deps">, ref: string): PodRecord {
  const found = findPod(room, ref);
  if (found === undefined) throw notFound(`no such pod: ${ref}`);
  return found;
}

/** Gives the name of a pod back. */
export function freeName({ names }: Pick<PodRoom, "names">, { id, config }: Pick<PodRecord, "id" | "config">): void {
  const name = podName(config);
  if (names.get(name) === id) names.delete(name);
}
