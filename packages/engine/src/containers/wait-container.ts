import type * as api from "@pouchcontainer/api";
import type { Container, ExitReport, WaitCondition } from "./container.ts";

/** Waits for a condition; in place, so that nothing is missed, when `registered` resolves. One that is being started is not "not running". */
export function waitContainer(
  container: Container,
  condition: WaitCondition,
  signal: AbortSignal,
): { registered: Promise<void>; result: Promise<api.ContainerWaitResponse> } {
  if (condition !== "not-running") return { registered: Promise.resolve(), result: reached(container, condition, signal) };
  const registered = container.startsSettled();
  return { registered, result: registered.then(() => reached(container, condition, signal)) };
}

function reached(container: Container, condition: WaitCondition, signal: AbortSignal): Promise<api.ContainerWaitResponse> {
  const { status, exitCode, error } = container.state;
  const runs = status === "running" || status === "paused" || status === "restarting";
  if (condition === "not-running" && !runs) return Promise.resolve(responseOf({ exitCode, ...(error ? { error } : {}) }));
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      forget();
      reject(signal.reason instanceof Error ? signal.reason : new Error("the client went away"));
    };
    const forget = container.onExit(condition, (report) => {
      signal.removeEventListener("abort", abort);
      resolve(responseOf(report));
    });
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

function responseOf({ exitCode, error }: ExitReport): api.ContainerWaitResponse {
  return { StatusCode: exitCode, ...(error === undefined ? {} : { Error: { Message: error } }) };
}
