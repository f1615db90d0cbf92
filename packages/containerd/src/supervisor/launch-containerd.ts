import { chmodSync, closeSync } from "node:fs";
import { EngineError, failedPrecondition, unavailable } from "@pouchcontainer/errors";
import { startProgram } from "@pouchcontainer/owners";
import { ttrpcAddressOf } from "./containerd-config.ts";
import { errorCodeOf } from "./error-code.ts";
import type { LogFile } from "./log-file.ts";
import type { PidFile } from "./pid-file.ts";
import { answersWithin } from "./probe.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { identify } from "./process-identity.ts";
import type { SupervisorLogger } from "./supervised-containerd.ts";
import type { WatchedProcess } from "./watched-process.ts";
import { terminate } from "./watched-process.ts";

export interface LaunchRequest {
  binary: string;
  configPath: string;
  address: string;
  env: NodeJS.ProcessEnv;
  logFile: LogFile;
  pidFile: PidFile;
  /** How long it may neither answer nor log anything. */
  startTimeoutMs: number;
  signal: AbortSignal;
  logger: SupervisorLogger;
}

/** A containerd that logs is at work: with many shims that hang it takes its time over each. It ends at this many times the silence. */
const mostSilences = 10;
/** How often it is told that the start takes long. */
const toldEveryMs = 10_000;

const searchedAlways = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Starts containerd in a session of its own and returns when it answers; a failed start leaves no process. */
export async function launchContainerd(request: LaunchRequest): Promise<WatchedProcess> {
  const { binary, address, logFile, signal } = request;
  signal.throwIfAborted();
  logFile.rotate();
  const logStart = logFile.size;
  const child = await spawnDetached(request);
  let ended: string | undefined;
  const exited = child.exited.then((how) => (ended = how));

  const patience = patienceWith(request, logStart);
  const serving = await answersWithin(
    address,
    mostSilences * request.startTimeoutMs,
    () => ended !== undefined || signal.aborted || patience.isOver(),
    signal,
  );
  if (serving && ended === undefined && child.identity !== undefined) {
    for (const socket of [address, ttrpcAddressOf(address)]) makePrivate(socket);
    return { identity: child.identity, adopted: false, exited, unwatch: () => undefined };
  }
  const byItself = ended;
  if (child.identity !== undefined) await terminate(child.identity, 1000);
  request.pidFile.remove();
  signal.throwIfAborted();
  const lines = logFile.lastLines(logStart, 5);
  const said =
    lines.length === 0 ? `it logged nothing to ${logFile.path}` : `its last words in ${logFile.path}:\n${lines.join("\n")}`;
  if (byItself !== undefined) throw unavailable(`${binary} ended while starting (${byItself}); ${said}`);
  throw unavailable(`${binary} does not answer on ${address} after ${Math.round(patience.waitedMs)} ms; ${said}`);
}

/** How long is waited for an answer: anew from each thing that containerd logs, which is told now and then. */
function patienceWith({ binary, logFile, startTimeoutMs, logger }: LaunchRequest, logStart: number) {
  const begun = performance.now();
  let [heard, told, size] = [begun, begun, logStart];
  return {
    get waitedMs() {
      return performance.now() - begun;
    },
    isOver(): boolean {
      const now = performance.now();
      if (logFile.size !== size) [heard, size] = [now, logFile.size];
      if (now - told >= toldEveryMs) {
        told = now;
        const last = logFile.lastLines(logStart, 1)[0] ?? "nothing yet";
        logger.warn(`${binary} does not answer yet, after ${Math.round((now - begun) / 1000)} s; it logged last: ${last}`);
      }
      return now - heard >= startTimeoutMs;
    },
  };
}

function makePrivate(socket: string): void {
  try {
    chmodSync(socket, 0o600);
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT") throw error;
  }
}

interface SpawnedProcess {
  /** `undefined` when it was gone before it could be looked at. */
  identity: ProcessIdentity | undefined;
  exited: Promise<string>;
}

async function spawnDetached({ binary, configPath, env, logFile, pidFile }: LaunchRequest): Promise<SpawnedProcess> {
  const log = logFile.open();
  try {
    const child = startProgram(binary, argumentsOf(configPath), {
      cwd: "/",
      stdio: ["ignore", log, log],
      env: environmentOf(env),
    });
    // Written before anything else happens: should we die now, the next pouchd finds it.
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity !== undefined) pidFile.write(identity);
    await child.started;
    child.unref();
    const exited = child.exited.then(({ status, signal }) => signal ?? `exit status ${status}`);
    return { identity, exited };
  } catch (error) {
    throw spawnError(binary, error);
  } finally {
    closeSync(log);
  }
}

/** How containerd is started, and how a running one is recognised. */
export function argumentsOf(configPath: string): string[] {
  return ["--config", configPath];
}

function environmentOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = (env["PATH"] ?? "").split(":").filter(Boolean);
  // runc and the shim are looked up in PATH, which a service manager may have cut short.
  const path = [...own, ...searchedAlways.filter((folder) => !own.includes(folder))].join(":");
  // These are meant for pouchd alone: containerd would tell the service manager that *it* is ready.
  const { NOTIFY_SOCKET: _notify, LISTEN_FDS: _fds, LISTEN_PID: _pid, LISTEN_FDNAMES: _names, ...rest } = env;
  return { ...rest, PATH: path };
}

function spawnError(binary: string, error: unknown): EngineError {
  const code = errorCodeOf(error instanceof EngineError ? error.cause : error);
  if (code === "ENOENT") {
    return failedPrecondition(
      `containerd was not found (looked for ${JSON.stringify(binary)}): install the package "containerd", name the program with --containerd-path, or use a running one with --containerd ADDRESS`,
      { cause: error },
    );
  }
  if (code === "EACCES") return failedPrecondition(`${binary} cannot be run as a program`, { cause: error });
  return EngineError.from(error);
}
