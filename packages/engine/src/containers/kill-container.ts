import { conflict, internal } from "@pouchcontainer/errors";
import { ended } from "../ended.ts";
import type { Container } from "./container.ts";
import { parseSignal } from "./config/index.ts";
import type { ContainerRoom } from "./container-room.ts";
import { killSignal, sendLastSignal } from "./send-signal.ts";
import { killTimeoutMs, stopRestarting } from "./stop-container.ts";

/**
 * `docker kill`: any signal; for SIGKILL the answer comes when the process is gone. Of a container without a stop signal of its
 * own every signal counts as asking for its end, as dockerd has it: what is frozen goes on, and the policy does not start it again.
 */
export async function killContainer(room: ContainerRoom, container: Container, signalText: string | undefined): Promise<void> {
  const signal = parseSignal(signalText || "SIGKILL");
  await container.startsSettled();
  const { StopSignal } = container.record.config;
  const asksForTheEnd = !StopSignal || signal === killSignal || signal === parseSignal(StopSignal);
  if (container.state.status === "restarting" && (await stopRestarting(room, container))) return;
  const { run } = container;
  if (!container.isRunning || !run) throw conflict(`container ${container.id} is not running`);
  await sendLastSignal(room, container, run, { signal, thaw: asksForTheEnd, last: asksForTheEnd });
  if (signal !== killSignal) return;
  if (!(await ended(run.settled.promise, killTimeoutMs)))
    throw internal(`tried to kill container, but did not receive an exit event`);
  await ended(run.finished.promise, killTimeoutMs);
}
