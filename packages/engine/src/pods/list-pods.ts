import { noticeEnd } from "./notice-end.ts";
import { knownPods, type PodRoom } from "./pod-room.ts";
import type { PodRecord } from "./pod-record.ts";

/** All that are given must hold. */
export interface PodFilter {
  /** The id or a prefix of it. */
  id?: string;
  state?: "ready" | "notReady";
  /** Labels with these values. */
  labels?: Record<string, string>;
}

/** Pods for which all of the filter holds; those that are being made are not told of. */
export function listPods(room: PodRoom, { id = "", state, labels = {} }: PodFilter = {}): PodRecord[] {
  const wanted = Object.entries(labels);
  return knownPods(room)
    .map((pod) => noticeEnd(room, pod))
    .filter(
      (pod) =>
        pod.id.startsWith(id) &&
        (state === undefined || pod.state === state) &&
        wanted.every(([key, value]) => pod.config.labels[key] === value),
    );
}
