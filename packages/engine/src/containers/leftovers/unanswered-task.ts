import type { TaskState } from "@pouchcontainer/containerd";
import { readFileSync } from "node:fs";
import type { ContainerRecord } from "../container-record.ts";

/**
 * A task whose shim did not say in time how it is, being busy or hung. Where the process that the record speaks of is there, it is as the
 * record says; else nothing is known of it.
 */
export function unansweredTask(task: TaskState, record: ContainerRecord | undefined): TaskState {
  if (task.status !== "unknown" || record === undefined) return task;
  const { status, pid } = record.state;
  if ((status !== "running" && status !== "paused") || !isProcessOf(record.id, pid)) return task;
  return { ...task, status, pid };
}

/** Whether a process is a container's, by its control group: the pid may have become another process' by now. */
export function isProcessOf(containerId: string, pid: number): boolean {
  try {
    return pid > 0 && readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(containerId);
  } catch {
    return false;
  }
}
