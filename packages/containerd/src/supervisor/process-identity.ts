import { startTimeOf } from "@pouchcontainer/owners";
import { readFileSync, readdirSync } from "node:fs";
import { errorCodeOf } from "./error-code.ts";

/** A pid alone names another process after a while; with start time and boot it does not. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot (`/proc/PID/stat`, field 22). */
  startTime: string;
  bootId: string;
}

export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime && bootId() === identity.bootId;
}

/** Signals exactly this process; `false` when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === "ESRCH") return false;
    throw error;
  }
}

/** The process that was started with exactly these arguments after the program's name. */
export function findByArguments(args: string[]): ProcessIdentity | undefined {
  const wanted = args.join("\0");
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const commandLine = readOrUndefined(`/proc/${entry}/cmdline`);
    const afterName = commandLine?.slice(commandLine.indexOf("\0") + 1);
    if (afterName === `${wanted}\0`) return identify(Number(entry));
  }
  return undefined;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(errorCodeOf(error) ?? "")) return undefined;
    throw error;
  }
}
