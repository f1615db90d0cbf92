import { failedPrecondition } from "@pouchcontainer/errors";
import { noticeEnd } from "./notice-end.ts";
import { podName } from "./pod-config.ts";
import type { PodRecord } from "./pod-record.ts";
import { requirePod, type PodRoom } from "./pod-room.ts";

/** A pod that containers can be put into and started in. Throws `notFound` and `failedPrecondition`. */
export function requireReady(room: PodRoom, ref: string): PodRecord {
  const record = noticeEnd(room, requirePod(room, ref));
  if (record.state === "ready" && record.removing !== true) return record;
  throw failedPrecondition(`pod ${record.id} (${podName(record.config)}) is not ready`);
}
