import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { conflict, invalidArgument } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { containerdConfig, rootLine, ttrpcAddressOf } from "./containerd-config.ts";
import { ContainerdSupervisor } from "./containerd-supervisor.ts";
import { errorCodeOf } from "./error-code.ts";
import type { LaunchRequest } from "./launch-containerd.ts";
import { argumentsOf, launchContainerd } from "./launch-containerd.ts";
import { LogFile } from "./log-file.ts";
import { PidFile } from "./pid-file.ts";
import { answers, answersWithin } from "./probe.ts";
import { findByArguments, isAlive, type ProcessIdentity } from "./process-identity.ts";
import type { SupervisedContainerd, SupervisorLogger } from "./supervised-containerd.ts";
import type { WatchedProcess } from "./watched-process.ts";
import { terminate, watchAdopted } from "./watched-process.ts";

export interface StartContainerdOptions {
  /** Program to run: a path, or a name to look up in PATH; default `containerd`. */
  binary?: string;
  /** Folder for content, snapshots and metadata. */
  root: string;
  /** Folder for bundles of running containers; configuration and pid file are there too. */
  state: string;
  /** The state folder of before, when it was another: a containerd of this root that was left running there is ended. */
  formerState?: string;
  /** Path of the socket, at most 101 bytes; mode 0600. */
  address: string;
  /** containerd appends its log here; one older file is kept as `….1`. */
  logFile: string;
  /** Size at which the log file is cut; default 10 MiB. */
  maxLogBytes?: number;
  logger: SupervisorLogger;
  /** Environment of containerd, its shims and runc; PATH is completed with the system's folders. */
  env: NodeJS.ProcessEnv;
  /** Debug messages of containerd and of the shims started from now on. */
  shimDebug?: boolean;
  /** How long containerd may neither answer nor log anything while it starts; default 30 s. */
  startTimeoutMs?: number;
  /** How long it may take to end before it is killed; default 10 s. */
  stopTimeoutMs?: number;
  /** Calls the start off: it fails soon, and what it has started is ended; one that was running is left. Default: nothing does. */
  calledOff?: AbortSignal;
}

/** The longest path a Unix socket's address holds. */
const maxSocketPathBytes = 107;
const adoptTimeoutMs = 10_000;

/**
 * Starts a containerd of our own, or adopts the one that an earlier daemon left running, and keeps it running. One that runs
 * with another configuration or does not answer is ended first; containers survive that.
 */
export async function startContainerd(options: StartContainerdOptions): Promise<SupervisedContainerd> {
  const { address, state, logger, stopTimeoutMs = 10_000, calledOff } = options;
  if (Buffer.byteLength(ttrpcAddressOf(address)) > maxSocketPathBytes) {
    throw invalidArgument(`the path of containerd's socket is too long for a Unix socket: ${address}`);
  }
  for (const folder of [options.root, state, dirname(address), dirname(options.logFile)]) makeFoldersSync(folder, 0o710);

  const stopping = new AbortController();
  const request: LaunchRequest = {
    binary: options.binary ?? "containerd",
    configPath: configPathIn(state),
    address,
    env: options.env,
    logFile: new LogFile(options.logFile, options.maxLogBytes ?? 10 << 20),
    pidFile: pidFileIn(state),
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
    signal: stopping.signal,
    logger,
  };
  if (options.formerState !== undefined) await endFormer(options.formerState, options.root, { logger, stopTimeoutMs });
  const changed = writeIfChanged(request.configPath, containerdConfig({ ...options, debug: options.shimDebug ?? false }));
  const running = await takeOver(request, { changed, stopTimeoutMs, logger, calledOff });
  const first = running ?? (await launchContainerd(calledOff === undefined ? request : { ...request, signal: calledOff }));
  return new ContainerdSupervisor({
    first,
    launch: () => launchContainerd(request),
    stopping,
    address,
    logger,
    stopTimeoutMs,
    request,
  });
}

const configPathIn = (state: string): string => join(state, "containerd.toml");
const pidFileIn = (state: string): PidFile => new PidFile(join(state, "containerd.pid"));

/** The containerd that was started with this configuration, whether its pid file says so or not. */
function runningWith({ configPath, pidFile }: Pick<LaunchRequest, "configPath" | "pidFile">): ProcessIdentity | undefined {
  const recorded = pidFile.read();
  return recorded !== undefined && isAlive(recorded) ? recorded : findByArguments(argumentsOf(configPath));
}

interface TakeOver {
  changed: boolean;
  stopTimeoutMs: number;
  logger: SupervisorLogger;
  calledOff: AbortSignal | undefined;
}

/** The process an earlier daemon started if it can go on; what is of no use is ended. */
async function takeOver(
  request: LaunchRequest,
  { changed, stopTimeoutMs, logger, calledOff }: TakeOver,
): Promise<WatchedProcess | undefined> {
  const identity = runningWith(request);
  if (identity === undefined) {
    request.pidFile.remove();
    if (await answers(request.address, calledOff)) {
      throw conflict(
        `another containerd serves ${request.address}: end it, choose another --exec-root-dir, or use it with --containerd ${request.address}`,
      );
    }
    return undefined;
  }
  const giveUp = (): boolean => calledOff?.aborted === true || !isAlive(identity);
  const usable = !changed && (await answersWithin(request.address, adoptTimeoutMs, giveUp, calledOff));
  calledOff?.throwIfAborted();
  if (usable) {
    logger.info(`containerd runs already (pid ${identity.pid})`);
    request.pidFile.write(identity);
    return watchAdopted(identity);
  }
  logger.warn(
    `ending containerd (pid ${identity.pid}): ${changed ? "its configuration has changed" : `it does not answer on ${request.address}`}`,
  );
  await terminate(identity, stopTimeoutMs);
  request.pidFile.remove();
  return undefined;
}

/** One that runs with the same root and another state keeps the root's files locked. Another daemon may have that state by now. */
async function endFormer(
  state: string,
  root: string,
  { logger, stopTimeoutMs }: Pick<TakeOver, "logger" | "stopTimeoutMs">,
): Promise<void> {
  const configPath = configPathIn(state);
  if (readIfThere(configPath)?.includes(rootLine(root)) !== true) return;
  const identity = runningWith({ configPath, pidFile: pidFileIn(state) });
  if (identity === undefined) return;
  logger.warn(`ending containerd (pid ${identity.pid}): it was left running with another state folder, ${state}`);
  await terminate(identity, stopTimeoutMs);
}

function writeIfChanged(path: string, text: string): boolean {
  if (readIfThere(path) === text) return false;
  writeFileSync(path, text, { mode: 0o600 });
  return true;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
