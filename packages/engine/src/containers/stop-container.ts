import { isOutage } from "@pouchcontainer/containerd";
import { internal, notModified, type EngineError } from "@pouchcontainer/errors";
import { ended } from "../ended.ts";
import type { ContainerInspect } from "@pouchcontainer/api";
import { inspectContainer } from "./list-containers.ts";
import { chainContext } from "./network-view.ts";
import type { Container } from "./container.ts";
import { parseSignal } from "./config/index.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";
import { killSignal, sendLastSignal, sendSignal } from "./send-signal.ts";

/** A process that does not die of SIGKILL hangs in the kernel. */
export const killTimeoutMs = 10_000;

export interface StopOptions {
  /** Default: the container's own. */
  signal?: string;
  /** Default: the container's own, or the daemon's. */
  timeoutSeconds?: number;
  /** Whether what it had, a port or its files, is given back by the answer; otherwise soon after. Default: yes. */
  released?: boolean;
}

/** Asks the process to end and kills it when it does not. Cancelling the request does not cancel the stop. */
export async function stopContainer(
  room: ContainerRoom,
  container: Container,
  { released = true, ...options }: StopOptions,
): Promise<void> {
  const signal = parseSignal(options.signal || container.record.config.StopSignal || "SIGTERM");
  await container.startsSettled();
  if (container.isRunning) {
    const { startsByHand } = container;
    const view = (): { container: ContainerInspect } => ({ container: inspectContainer(room, container) });
    await room.deps.chains.tell("container.preStop", view, chainContext(container.record));
    // Ended, or started anew, while plugins were told: a run that somebody began meanwhile is not the one that was to end.
    await container.startsSettled();
    if (container.startsByHand !== startsByHand) throw alreadyStopped(container);
  }
  const stopped = container.state.status === "restarting" && (await stopRestarting(room, container));
  if (!stopped) {
    const { run } = container;
    if (run?.over && released) await ended(run.finished.promise, killTimeoutMs);
    if (!container.isRunning || !run) throw alreadyStopped(container);
    const fallback = container.record.config.StopTimeout ?? room.deps.configSettings.defaultStopTimeoutSeconds;
    const timeoutSeconds = options.timeoutSeconds ?? fallback;
    await sendLastSignal(room, container, run, { signal, thaw: true });
    if (!(await ended(run.settled.promise, timeoutSeconds < 0 ? Infinity : timeoutSeconds * 1000))) {
      await kill(room, container, run);
      if (!(await ended(run.settled.promise, killTimeoutMs)))
        throw internal(`cannot stop container: ${container.id}: tried to kill container, but did not receive an exit event`);
    }
    // Who asked may want its port or its files now.
    if (released) await ended(run.finished.promise, killTimeoutMs);
  }
  publishContainerEvent(room.deps.events, container.record, "stop");
}

const alreadyStopped = ({ id }: Container): EngineError => notModified(`container ${id} is already stopped`);

/** Whoever was asked to end is ended, though containerd goes away meanwhile and comes back. */
async function kill(room: ContainerRoom, container: Container, run: ContainerRun): Promise<void> {
  try {
    await sendSignal(room, container, run, { signal: killSignal, thaw: true });
  } catch (error) {
    if (!isOutage(error)) throw error;
    const patience = AbortSignal.timeout(killTimeoutMs);
    await room.deps.containerd.whenReconnected({ signal: patience }).catch(() => {
      throw error;
    });
    await sendSignal(room, container, run, { signal: killSignal, thaw: true });
  }
}

/** A restart that is due is called off. False when the container was started meanwhile, or that start has failed. */
export async function stopRestarting(room: ContainerRoom, container: Container): Promise<boolean> {
  container.cancelRestart();
  return container.lock.run(async () => {
    if (container.state.status !== "restarting") return false;
    // One that failed meanwhile may have been put off.
    container.cancelRestart();
    await container.change({ manuallyStopped: true, state: { status: "exited" } }, { happened: true });
    container.report(["not-running", "next-exit"], { exitCode: container.state.exitCode });
    return true;
  });
}
