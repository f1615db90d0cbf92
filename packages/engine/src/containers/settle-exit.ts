import { isKind } from "@pouchcontainer/errors";
import { isOutage, type TaskExit } from "@pouchcontainer/containerd";
import type { PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { inBackground } from "@pouchcontainer/owners";
import { setTimeout as delay } from "node:timers/promises";
import { isDiskFull } from "../disk-full.ts";
import { ended } from "../ended.ts";
import { rfc3339Nano, parseRfc3339 } from "./clock.ts";
import { groupFolders, hierarchiesOf } from "../control-groups/control-groups.ts";
import { oomKillsIn } from "../control-groups/group-events.ts";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";
import { inspectContainer } from "./list-containers.ts";
import { chainContext } from "./network-view.ts";
import { groupOf } from "./leftovers/clear-run.ts";
import { releaseRun } from "./release-run.ts";
import { longerDelay, nextRestart } from "./restart-decision.ts";

/** What is reported when nobody knows how a process ended: its shim is gone (dockerd says the same). */
export const unknownExitCode = 255;
const killedExitCode = 137;
const retryMs = 50;
const retryAfterFailureMs = 1000;
/** How long the last output may take to come through after the exit: a process left behind can hold the pipe open. */
const lastOutputMs = 2000;
/** How long an end waits for attached clients to read the output before it. */
const outputReadMs = 100;

/** How a process ended, as far as anybody knows. */
export interface ObservedExit extends TaskExit {
  /** containerd had no such task any more: nobody saw its end, and its shim, which did not answer, may be there yet. */
  lost?: boolean;
}

/** Waits for a run's exit, across reconnections to containerd, and settles it once. */
export function watchExit(room: ContainerRoom, container: Container, run: ContainerRun): void {
  waitForExit(room, container.id)
    .then((exit) => (run.suspended ? undefined : (run.settling = settle(room, container, run, exit))))
    .catch((error: unknown) => {
      if (!run.suspended) room.deps.log.error("an exit could not be settled", { container: container.id, error: String(error) });
    });
}

/**
 * Whatever goes wrong, the wait goes on until the end is known: a process that nobody waits for would run for ever in the record. The
 * signal calls it off.
 */
export async function waitForExit(
  { deps }: ContainerRoom,
  id: string,
  { execId, signal }: { execId?: string; signal?: AbortSignal } = {},
): Promise<ObservedExit> {
  let shimGone = false;
  let told = false;
  let lost = false;
  for (;;) {
    try {
      if (lost) await deps.containerd.whenReconnected();
      return await deps.containerd.tasks.wait(id, execId, signal ? { signal } : {});
    } catch (error) {
      if (signal?.aborted) throw error;
      if (isKind(error, "notFound"))
        return { exitStatus: shimGone ? killedExitCode : unknownExitCode, exitedAt: new Date(), lost: true };
      const ofShim = String(error).includes("ttrpc: closed");
      lost = !ofShim;
      // Its shim has died under the task: containerd kills what is left and then knows the task no more.
      if (ofShim) {
        shimGone = true;
        await delay(retryMs);
      } else if (!isKind(error, "unavailable", "cancelled", "deadlineExceeded")) {
        if (!told) deps.log.warn("the wait for an exit failed and is begun again", { container: id, error: String(error) });
        told = true;
        await delay(retryAfterFailureMs);
      }
    }
  }
}

/** The one place where a container's exit becomes state, events, answers to waits, and what follows from its policy. */
async function settle(room: ContainerRoom, container: Container, run: ContainerRun, exit: ObservedExit): Promise<void> {
  const { deps } = room;
  await run.announced.promise;
  await Promise.allSettled(run.signalsUnderway);
  const health = room.healthOf(container).halt();
  if (exit.exitStatus === 137 && !run.oomKilled) run.oomKilled = await wasKilledForMemory(room, container);
  await ended(run.stdio.ended, lastOutputMs);
  await run.stdio.hub.taken(outputReadMs);
  // A disk that cannot take the log's end must not keep the exit from being told.
  await run.log?.close().catch((error: unknown) => {
    deps.log.error("the log of a container could not be closed", { container: container.id, error: String(error) });
  });

  const { record } = container;
  const finishedAt = BigInt(exit.exitedAt.getTime()) * 1_000_000n;
  const startedAt = parseRfc3339(record.state.startedAt) ?? finishedAt;
  const uptimeMs = Math.max(0, Number((finishedAt - startedAt) / 1_000_000n));
  const restart = nextRestart(record, {
    exitCode: exit.exitStatus,
    uptimeMs,
    delayMs: container.restartDelayMs,
    askedFor: run.lastOne || container.removing,
  });
  run.over = true;
  container.note({
    state: {
      status: restart ? "restarting" : "exited",
      pid: 0,
      exitCode: exit.exitStatus,
      oomKilled: run.oomKilled,
      finishedAt: rfc3339Nano(finishedAt > startedAt ? finishedAt : startedAt),
      ...health,
    },
    ...(restart ? { restartCount: record.restartCount + 1 } : {}),
  });
  publishContainerEvent(deps.events, record, "die", {
    exitCode: String(exit.exitStatus),
    execDuration: String(Math.floor(uptimeMs / 1000)),
  });
  const view = (): PointRequest<"container.postStop"> => ({
    container: inspectContainer(room, container),
    exit: { exitCode: exit.exitStatus, oomKilled: run.oomKilled },
  });
  deps.chains.tellAfterwards("container.postStop", view, chainContext(record));
  container.endStreams(run.stdio.hub);
  container.execIds.clear();
  container.report(["not-running", "next-exit"], { exitCode: exit.exitStatus });
  run.settled.resolve();
  await releaseRun(room, container, run, { kill: exit.lost ?? false });
  if (restart) scheduleRestart(room, container, restart.delayMs);
  else if (record.hostConfig.AutoRemove && container.restarts === 0 && !container.removing)
    await removeAfterExit(room, container);
}

export function scheduleRestart(room: ContainerRoom, container: Container, delayMs: number): void {
  container.restartDelayMs = delayMs;
  if (container.state.status !== "restarting" || room.leaving.aborted) return;
  restartWhen(room, container, (signal) => delay(delayMs, undefined, { signal }));
}

/** The policy's start comes when `due` resolves, unless it is called off before. */
function restartWhen(room: ContainerRoom, container: Container, due: (signal: AbortSignal) => Promise<unknown>): void {
  const signal = container.planRestart();
  inBackground("a restart by policy", async () => {
    try {
      await due(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (!signal.aborted) await restart(room, container);
  });
}

/** Whether a start failed of something that is no matter of the container's and passes: containerd is away, a disk is full. */
export function isPassing(error: unknown): boolean {
  return isOutage(error) || isDiskFull(error);
}

async function restart(room: ContainerRoom, container: Container): Promise<void> {
  try {
    await room.start(container, { byPolicy: true });
  } catch (error) {
    if (container.state.status !== "restarting" || room.leaving.aborted) return;
    const facts = { container: container.id, error: String(error) };
    if (isPassing(error)) {
      room.deps.log.warn("a container cannot be restarted now, which is tried again", facts);
      container.restartDelayMs = longerDelay(container.restartDelayMs);
      return restartWhen(room, container, async (signal) => {
        if (isOutage(error)) await room.deps.containerd.whenReconnected({ signal });
        await delay(container.restartDelayMs, undefined, { signal });
      });
    }
    // A removal calls a start off: that is what was asked for.
    if (!container.removing) room.deps.log.error("a container could not be restarted", facts);
    container.note({ state: { status: "exited" } });
    container.report(["not-running", "next-exit"], { exitCode: container.state.exitCode });
  }
}

async function removeAfterExit(room: ContainerRoom, container: Container): Promise<void> {
  try {
    await room.remove(container, { force: true, volumes: true });
  } catch (error) {
    if (isKind(error, "conflict", "notFound") || room.leaving.aborted) return;
    room.deps.log.warn("a container that was to go with its run is not removed yet", {
      container: container.id,
      error: String(error),
    });
    room.leftovers.soon();
  }
}

/** The kernel's own count, while the cgroup is still there: containerd's event may come after the exit. */
async function wasKilledForMemory({ deps }: ContainerRoom, container: Container): Promise<boolean> {
  try {
    const counted = oomKillsIn(groupFolders(hierarchiesOf(deps.mountInfo()), groupOf({ deps }, container)));
    if (counted !== undefined) return counted > 0;
    // With systemd's driver the group has a path that it alone makes.
    const [metrics] = await deps.containerd.tasks.metrics([container.id], { timeoutMs: 1000 });
    return metrics !== undefined && deps.decodeMetrics(metrics.data).memory.oomKills > 0;
  } catch {
    // Whoever cannot count has not seen it.
    return false;
  }
}
