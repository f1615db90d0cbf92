import type { Mount } from "@pouchcontainer/containerd";
import { zeroTime, type ContainerRecord } from "./container-record.ts";
import type { LogDriver } from "./logs/log-driver.ts";
import type { ProcessStdio } from "./stdio/process-stdio.ts";

/** One life of a container's first process, from its task's creation until everything of it is taken back. */
export class ContainerRun {
  readonly stdio: ProcessStdio;
  readonly log: LogDriver | undefined;
  pid = 0;
  /** What the container's own files are mounted of, once it was asked: while it runs that stays. */
  mounts: readonly Mount[] | undefined;
  /** RFC 3339; not later than anything the process did. */
  startedAt = zeroTime;
  oomKilled = false;
  /** Of a container of a pod: who the process runs as. */
  processUser: ContainerRecord["processUser"];
  /** Whatever the policy says, its exit is not followed by a restart: somebody asked for the end. */
  lastOne = false;
  /** Its start is called off: nobody wants the container any more. */
  readonly calledOff = new AbortController();
  /** Signals on their way: they are told before the exit they cause. */
  readonly signalsUnderway = new Set<Promise<void>>();
  /** Its exit, or that it never began, is in the record: nothing else may be said of it. */
  over = false;
  /** The start has been told to everyone: what follows it may be told too. */
  readonly announced = Promise.withResolvers<void>();
  /** What follows its exit, from the moment when that begins. */
  settling: Promise<void> | undefined;
  /** The exit is recorded and told. */
  readonly settled = Promise.withResolvers<void>();
  /** Task, network, volumes, FIFOs are gone: the container may start again or be removed. */
  readonly finished = Promise.withResolvers<void>();
  /** What was asked of its task and not answered: see `inDoubt`. */
  readonly doubts = new Set<"freezer" | "limits">();
  /** The daemon is leaving: what comes from the task now is for the next one. */
  suspended = false;

  constructor(stdio: ProcessStdio, log: LogDriver | undefined) {
    this.stdio = stdio;
    this.log = log;
  }
}
