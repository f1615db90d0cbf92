import { isOutage } from "@pouchcontainer/containerd";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRun } from "./container-run.ts";
import { noteThawed } from "./note-freezer.ts";
import { sharesPids } from "./pod-membership.ts";
import { isProcessGone } from "./process-gone.ts";

export const killSignal = 9;

export interface SignalRequest {
  signal: number;
  /** A frozen container runs on to receive it. */
  thaw: boolean;
  /** How long its shim may take over it; default: as long as over every call. */
  timeoutMs?: number;
}

/**
 * Sends a signal to the container's process. One that is gone already is what was wanted. With `thaw` a frozen container runs on
 * to receive it: a signal that is to end it must not wait for somebody's unpause.
 */
export function sendSignal(room: ContainerRoom, container: Container, run: ContainerRun, request: SignalRequest): Promise<void> {
  const sent = send(room, container, run, request);
  run.signalsUnderway.add(sent);
  return sent.finally(() => run.signalsUnderway.delete(sent));
}

/** The same for somebody who wants the end, with `last` at least: no policy starts it again. What containerd was not there to send has asked for nothing. */
export async function sendLastSignal(
  room: ContainerRoom,
  container: Container,
  run: ContainerRun,
  { last = true, ...request }: SignalRequest & { last?: boolean },
): Promise<void> {
  const before = { lastOne: run.lastOne, manuallyStopped: container.record.manuallyStopped };
  if (last) run.lastOne = true;
  container.note({ manuallyStopped: true });
  try {
    await sendSignal(room, container, run, request);
  } catch (error) {
    if (isOutage(error)) {
      run.lastOne = before.lastOne;
      container.note({ manuallyStopped: before.manuallyStopped });
    }
    throw error;
  }
}

async function send(
  room: ContainerRoom,
  container: Container,
  run: ContainerRun,
  { signal, thaw, timeoutMs }: SignalRequest,
): Promise<void> {
  const { deps } = room;
  // The next run has a task of the same name.
  if (run.over) return;
  try {
    const all = signal === killSignal && sharesPids(container.record);
    await deps.containerd.tasks.kill(container.id, { signal, all }, timeoutMs === undefined ? {} : { timeoutMs });
  } catch (error) {
    if (await isProcessGone(room, container.id, error)) return;
    throw error;
  }
  publishContainerEvent(deps.events, container.record, "kill", { signal: String(signal) });
  if (!thaw || container.state.status !== "paused") return;
  try {
    await deps.containerd.tasks.resume(container.id);
  } catch (error) {
    // SIGKILL reaches a frozen process with some kernels and runtimes and ends it before it is thawed.
    if (signal !== killSignal && !(await isProcessGone(room, container.id, error)))
      deps.log.warn("a paused container could not be thawed for its signal", { container: container.id, error: String(error) });
    return;
  }
  // Of one that is killed nobody is told that it went on.
  if (signal !== killSignal) noteThawed(room, container, run);
}
