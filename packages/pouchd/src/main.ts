import { cancelled, EngineError, failedPrecondition, legible, messageChain } from "@pouchcontainer/errors";
import { giveBackFilePages, keepInheritedFiles, oneMallocArena } from "@pouchcontainer/linux";
import { inBackground } from "@pouchcontainer/owners";
import { boundBacktracking } from "./bound-backtracking.ts";
import { buildInfo } from "./build-info.ts";
import { checkPaths } from "./config/check-paths.ts";
import { helpText } from "./config/help.ts";
import { rebuildReport } from "./rebuild-report.ts";
import { storeFile } from "./compose/store-file.ts";
import type { Configuration } from "./config/options.ts";
import { readConfiguration } from "./config/read-configuration.ts";
import { fileWorkerArgument } from "./file-worker-command.ts";
import { UncaughtErrors } from "./health/uncaught-errors.ts";
import { createLog, type Log } from "./log/log.ts";
import { offlinePlugins } from "./offline-plugins.ts";
import { writePidFile } from "./pid-file.ts";
import { pluginChildArgument } from "./plugin-child-command.ts";
import { workOnFiles } from "./work-on-files.ts";

/** When what a start needs is loaded, used and not needed any more; the second time after the first requests. */
const settledAfterMs = [2000, 15_000];

/** Exit status: 0 after a stop that was asked for, 1 when the daemon could not start or run, 2 for a wrong command line. */
async function main(args: string[]): Promise<number> {
  if (args[0] === pluginChildArgument && args[1] !== undefined) return await servePlugin(args[1]);
  if (args[0] === fileWorkerArgument) return await workOnFiles(args.slice(1));
  keepInheritedFiles();
  let invocation;
  try {
    invocation = readConfiguration(args);
  } catch (error) {
    process.stderr.write(failure(error));
    return 2;
  }
  if (invocation.action === "help") {
    process.stdout.write(helpText());
    return 0;
  }
  if (invocation.action === "version") {
    process.stdout.write(`pouchd version ${buildInfo.version}, build ${buildInfo.commit}\n`);
    return 0;
  }
  const log = createLog(invocation.configuration.debug ? "debug" : invocation.configuration["log-level"]);
  try {
    if (invocation.action === "rebuild-store") return await rebuild(invocation.configuration);
    if (invocation.action === "plugin") {
      process.stdout.write(legible(await offlinePlugins(invocation.command, invocation.configuration)));
      return 0;
    }
    if (process.getuid?.() !== 0) throw failedPrecondition("pouchd needs to be started with root privileges");
    checkPaths(invocation.configuration);
    return await serve(invocation.configuration, log, new UncaughtErrors(log));
  } catch (error) {
    log.debug("start failed", { error: EngineError.from(error) });
    process.stderr.write(failure(error));
    return 1;
  }
}

/** Makes the store anew, for an operator who then starts the daemon; says what came of it. */
async function rebuild(configuration: Configuration): Promise<number> {
  process.umask(0o077);
  const removePidFile = writePidFile(configuration.pidfile);
  try {
    const { rebuildStore } = await import("@pouchcontainer/engine");
    process.stdout.write(rebuildReport(rebuildStore(storeFile(configuration["home-dir"]), new Date())));
    return 0;
  } finally {
    removePidFile();
  }
}

/** The process of one installed plugin; it is ended by the daemon. What only the daemon needs is not even loaded. */
async function servePlugin(directory: string): Promise<number> {
  const { runPluginProcess } = await import("@pouchcontainer/plugin-sdk/host");
  await runPluginProcess(directory);
  for (const afterMs of settledAfterMs) setTimeout(giveBackFilePages, afterMs).unref();
  return await new Promise<never>(() => undefined);
}

async function serve(configuration: Configuration, log: Log, uncaughtErrors: UncaughtErrors): Promise<number> {
  // What the daemon makes is root's alone, unless the place that makes it says otherwise.
  process.umask(0o077);
  const stopRequested = firstStopSignal(log);
  const stopping = new AbortController();
  inBackground("calling off the start", async () => {
    stopping.abort(cancelled(`the start was called off by ${await stopRequested}`));
  });
  const removePidFile = writePidFile(configuration.pidfile);
  try {
    const { compose } = await import("./compose.ts");
    const options = { configuration, log, build: buildInfo, environment: process.env, uncaughtErrors };
    const daemon = await compose({ ...options, stopping: stopping.signal });
    log.info("API is served", { listen: configuration.listen });
    for (const afterMs of settledAfterMs) setTimeout(giveBackFilePages, afterMs).unref();
    const signal = await stopRequested;
    log.info("stopping", { signal });
    await daemon.close();
    return 0;
  } catch (error) {
    if (!stopping.signal.aborted || error !== stopping.signal.reason) throw error;
    log.info("stopped before the start was done", { signal: await stopRequested });
    return 0;
  } finally {
    removePidFile();
  }
}

/** Resolves with the first SIGTERM or SIGINT; a third one ends the process at once. */
function firstStopSignal(log: Log): Promise<string> {
  return new Promise((resolve) => {
    let received = 0;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        received += 1;
        resolve(signal);
        if (received === 3) {
          log.warn("third signal: ending at once", { signal });
          process.exit(1);
        }
      });
    }
    // SIGPIPE and these end a process by default; a daemon outlives its terminal. SIGUSR1 does nothing: see hack/build.ts.
    for (const signal of ["SIGHUP", "SIGUSR2"] as const)
      process.on(signal, () => log.info(`${signal}: there is nothing to be done for it`));
  });
}

/** For a terminal, which is to act on nothing that a plugin says. */
function failure(error: unknown): string {
  return `pouchd: ${legible(messageChain(error))}\n`;
}

oneMallocArena();
boundBacktracking();
main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(failure(error));
    process.exit(1);
  },
);
