import { conflict, internal, isKind, notModified } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";
import { parseSignal } from "./config/index.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";

const kill = 9;
/** A process that does not die of SIGKILL hangs in the kernel. */
const killTimeoutMs = 10_000;

/** Asks the process to end and kills it when it does not. Cancelling the request does not cancel the stop. */
export async function stopContainer(
  room: ContainerRoom,
  container: Container,
  options: { signal?: string; timeoutSeconds?: number },
): Promise<void> {
  const signal = parseSignal(options.signal || container.record.config.StopSignal || "SIGTERM");
  if (container.state.status === "restarting") return stopRestarting(room, container);
  const { run } = container;
  if (!container.isRunning || !run) throw notModified(`container ${container.id} is already stopped`);
  const fallback = container.record.config.StopTimeout ?? room.deps.configSettings.defaultStopTimeoutSeconds;
  const timeoutSeconds = options.timeoutSeconds ?? fallback;
  container.note({ manuallyStopped: true });
  await sendSignal(room, container, signal);
  if (!(await ended(run.settled.promise, timeoutSeconds < 0 ? Infinity : timeoutSeconds * 1000))) {
    await sendSignal(room, container, kill);
    if (!(await ended(run.settled.promise, killTimeoutMs)))
      throw internal(`cannot stop container: ${container.id}: tried to kill container, but did not receive an exit event`);
  }
  publishContainerEvent(room.deps.events, container.record, "stop");
}

async function stopRestarting(room: ContainerRoom, container: Container): Promise<void> {
  container.cancelRestart();
  await container.change({ manuallyStopped: true, state: { status: "exited" } });
  publishContainerEvent(room.deps.events, container.record, "stop");
}

/** `docker kill`: any signal; for SIGKILL the answer comes when the process is gone. */
export async function killContainer(room: ContainerRoom, container: Container, signalText: string | undefined): Promise<void> {
  const signal = parseSignal(signalText || "SIGKILL");
  const { run } = container;
  if (!container.isRunning || !run)
    throw conflict(`cannot kill container: ${container.record.name}: container ${container.id} is not running`);
  if (signal === kill || signal === parseSignal(container.record.config.StopSignal || "SIGTERM"))
    container.note({ manuallyStopped: true });
  await sendSignal(room, container, signal);
  if (signal === kill && !(await ended(run.settled.promise, killTimeoutMs)))
    throw internal(`cannot kill container: ${container.id}: tried to kill container, but did not receive an exit event`);
}

/** A process that is gone already is what was wanted; one that is frozen is thawed when the signal is to end it. */
export async function sendSignal(room: ContainerRoom, container: Container, signal: number): Promise<void> {
  const { tasks } = room.deps.containerd;
  try {
    await tasks.kill(container.id, { signal, all: signal === kill && container.record.hostConfig.PidMode !== "" });
    publishContainerEvent(room.deps.events, container.record, "kill", { signal: String(signal) });
    if (container.state.status === "paused") {
      await tasks.resume(container.id);
      container.note({ state: { status: "running" } });
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** containerd has no word of its own for a process, or a shim, that went while the signal was on its way. */
function isGone(error: unknown): boolean {
  return (
    isKind(error, "notFound") || ["process already finished", "ttrpc: closed"].some((words) => String(error).includes(words))
  );
}

/** Whether the end came within that time. */
export async function ended(exit: Promise<void>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  // Longer than setTimeout can count is for ever.
  const timer = timeoutMs < 2 ** 31 ? setTimeout(() => late.resolve(false), timeoutMs) : undefined;
  const result = await Promise.race([exit.then(() => true), late.promise]);
  clearTimeout(timer);
  return result;
}
