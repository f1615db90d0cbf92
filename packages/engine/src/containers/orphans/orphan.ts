import type { TaskStatus } from "@pouchcontainer/containerd";
import type { ContainerRecord } from "../container-record.ts";

/**
 * A container of ours that the store knows nothing of: the store was restored, lost its last records, or was made anew. It is
 * set aside: what runs of it runs on, nothing of it is removed, until somebody adopts or removes it.
 */
export interface Orphan {
  id: string;
  /** Of its task, where containerd has one. */
  task?: { status: TaskStatus; pid: number };
  /** containerd has its specification: it was started at least once. */
  inContainerd: boolean;
  /** Of its snapshot, where there is one: the files it wrote are in it. */
  snapshotter?: string;
  /** What lies beside it: with it, it can be adopted. */
  record?: ContainerRecord;
}

/** Whether processes of it are there. */
export function isAlive({ task }: { task?: { status: TaskStatus } | undefined }): boolean {
  return task?.status === "running" || task?.status === "paused" || task?.status === "pausing";
}
