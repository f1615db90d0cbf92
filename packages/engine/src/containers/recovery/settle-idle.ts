import type { TaskState } from "@pouchcontainer/containerd";
import { EngineError, unavailable } from "@pouchcontainer/errors";
import { stat } from "node:fs/promises";
import { parseRfc3339, rfc3339Nano } from "../clock.ts";
import type { Container } from "../container.ts";
import type { ContainerRoom } from "../container-room.ts";
import { ContainerRun } from "../container-run.ts";
import { removeLostExecStreams } from "../exec-streams.ts";
import { clearRun } from "../leftovers/clear-run.ts";
import type { Footprint } from "../leftovers/footprints.ts";
import { isAlive } from "../orphans/orphan.ts";
import { unknownExitCode, watchExit } from "../settle-exit.ts";
import { openLog } from "../open-log.ts";
import { stdioRequest, streamsDirectory } from "../start-container.ts";
import { ProcessStdio } from "../stdio/process-stdio.ts";

/**
 * Brings the record of a container whose run nobody watches together with what there is of that run: it is taken up, or its end
 * is told, or what is left of it goes. `told`: by this daemon, so that what its record says of an end has been heard; else
 * the daemon before may have been killed before it could record a start.
 */
export async function settleIdle(
  room: ContainerRoom,
  container: Container,
  footprint: Footprint | undefined,
  { told }: { told: boolean },
): Promise<void> {
  const { status, error } = container.state;
  const task = footprint?.task;
  const ran = container.isRunning;
  // A start that was told to have failed is not made good by a task that came to life after all, nor is an end that was told.
  const unrecordedStart = !ran && !told && error === "" && (await isBegunAnew(container));
  if (task && isAlive({ task }) && (ran || unrecordedStart)) return takeUp(room, container, task);
  const ended = task?.status === "stopped" || task === undefined;
  // One that is gone without a trace, with the machine or its shim, ends like the others: only its code is not known.
  if (ended && (ran || (task && status === "created" && unrecordedStart)))
    return settleEnd(room, container, task ?? { status: "stopped", pid: 0 });
  // Its shim may be busy, and the container well: the next look asks again.
  if (task?.status === "unknown") throw unavailable("its shim does not say how it is");
  // FIFOs, shared memory, processes: its run is over, or it never began.
  if (footprint) await clearRun(room, container);
}

/** The end goes the way of every exit; where that is barred, by a full disk for one, at least the state is true. */
async function settleEnd(room: ContainerRoom, container: Container, task: Pick<TaskState, "status" | "pid">): Promise<void> {
  try {
    await takeUp(room, container, task);
    await container.run?.finished.promise;
  } catch (error) {
    const { message } = EngineError.from(error);
    container.note({
      state: { status: "exited", pid: 0, exitCode: unknownExitCode, error: message, ...room.healthOf(container).halt() },
    });
    container.report(["not-running", "next-exit"], { exitCode: unknownExitCode, error: message });
    await clearRun(room, container);
    throw error;
  }
}

/** Streams and waits of a task that is there. */
async function takeUp(room: ContainerRoom, container: Container, task: Pick<TaskState, "status" | "pid">): Promise<void> {
  const startedAt = container.isRunning ? container.state.startedAt : await createdAt(room, container);
  await removeLostExecStreams(container);
  const log = openLog(room, container);
  const stdio = await ProcessStdio.reopen(room.deps.stdio, stdioRequest(container, log)).catch(async (error: unknown) => {
    await log?.suspend();
    throw error;
  });
  const run = new ContainerRun(stdio, log);
  run.pid = task.pid;
  container.run = run;
  const health = room.healthOf(container);
  const frozen = task.status === "paused" || task.status === "pausing";
  container.note({
    state: {
      status: frozen ? "paused" : "running",
      pid: task.status === "stopped" ? 0 : task.pid,
      startedAt,
      ...(frozen && health.halt()),
    },
  });
  run.announced.resolve();
  watchExit(room, container, run);
  if (task.status !== "stopped" && !frozen) health.begin();
}

/** Whether what there is belongs to a run after the one whose end is recorded. */
async function isBegunAnew(container: Container): Promise<boolean> {
  const madeAt = await streamsMadeAt(container);
  return madeAt !== undefined && madeAt > (parseRfc3339(container.state.finishedAt) ?? 0n);
}

/** Of a run whose daemon was killed between its start and the record of it: its streams were made just before. */
async function createdAt({ deps }: ContainerRoom, container: Container): Promise<string> {
  return rfc3339Nano((await streamsMadeAt(container)) ?? deps.clock.now());
}

/** Nanoseconds since the epoch; undefined when the streams of no run are there. */
async function streamsMadeAt(container: Container): Promise<bigint | undefined> {
  const streams = await stat(streamsDirectory(container), { bigint: true }).catch(() => undefined);
  // Not every file system knows when a folder was made; it is changed when the last run's streams are taken away.
  return streams && (streams.birthtimeNs > 0n ? streams.birthtimeNs : streams.mtimeNs);
}
