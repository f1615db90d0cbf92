import { messageChain } from "@pouchcontainer/errors";
import { inBackground, makeFoldersSync } from "@pouchcontainer/owners";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import {
  sharedProcessArgument,
  sharedProcessPaths,
  WireClient,
  wireEnvironment,
  type LetGoRequest,
  type TakeRequest,
} from "@pouchcontainer/plugin-sdk/host";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { ended } from "../../ended.ts";
import { removeTree } from "../../remove-tree.ts";
import type { Confinement } from "../confinement/confinement.ts";
import type { ProcessSurroundings } from "../guarded-process.ts";
import { readOutputLines } from "../output-lines.ts";
import { endedWithinMs, untilHandShake } from "./hand-shake.ts";
import { LimitedProcess } from "./limited-process.ts";
import type { PluginRun } from "./plugin-run.ts";
import { SocketFolder } from "./socket-folder.ts";
import { splitOutput } from "./split-output.ts";

export interface SharedProcessOptions {
  childCommand: (place: string) => { command: string; args: string[] };
  /** The whole environment of the process, besides its socket. */
  environment: Readonly<Record<string, string>>;
  runtimeDirectory: string;
  memoryLimitMb: number;
  /** Another user's home is closed to it. */
  isRoot: boolean;
  confinement: Confinement | undefined;
  /** Of what is nobody's in particular. */
  log: PluginLog;
}

/** A plugin that is brought into a process. */
export type TakenPlugin = Omit<TakeRequest, "key">;

/** How long a process may take to take a plugin in, or to let it go, until it counts as stuck. */
const takenWithinMs = 15_000;
const letGoWithinMs = 3000;

/**
 * One process with several plugins in it. It is begun with the first, ends with the last, and is not begun again. Modules stay in a process
 * for as long as it runs: of each plugin it has one version, once.
 */
export class SharedProcess {
  readonly #options: SharedProcessOptions;
  readonly #sockets: SocketFolder;
  readonly #client: WireClient;
  readonly #stopping = new AbortController();
  readonly #places = new Map<string, Place>();
  /** Keys of the plugins that are to stay in it. */
  readonly #staying = new Set<string>();
  /** Plugins that are or were in it. */
  readonly #had = new Set<string>();
  readonly #process: Promise<LimitedProcess>;
  #cleared = Promise.resolve();
  /** The key of the plugin whose code ended the process. */
  #culprit: string | undefined;
  #count = 0;

  constructor(options: SharedProcessOptions) {
    this.#options = options;
    this.#sockets = new SocketFolder(options.runtimeDirectory, "shared.sock");
    this.#client = new WireClient(() => this.#sockets.address);
    this.#process = this.#start();
    // Who waits for a place in it is told.
    this.#process.catch(() => this.#stopping.abort());
  }

  /** Whether this plugin can be brought into it. */
  takes(plugin: string): boolean {
    return !this.#stopping.signal.aborted && !this.#had.has(plugin);
  }

  /** Brings a plugin in. Rejects where it cannot; then it has no place in it. */
  async take(plugin: TakenPlugin, confinement: Confinement | undefined): Promise<PluginRun> {
    const key = (this.#count += 1).toString(36);
    const place = new Place({
      letGo: () => this.#letGo(key),
      wasEndedByAnother: () => this.#culprit !== undefined && this.#culprit !== key,
    });
    this.#had.add(plugin.name);
    this.#staying.add(key);
    this.#places.set(key, place);
    try {
      const running = await this.#process;
      await this.#bringIn({ ...plugin, key }, confinement, running);
      const run = place.in(running);
      inBackground("forgetting a plugin that has left its process", async () => {
        await run.closed;
        this.#places.delete(key);
      });
      return run;
    } catch (error) {
      await place.leave();
      place.discardOutput();
      throw error;
    }
  }

  /** That the process ends meanwhile is no failure of this: who has a place in it hears of that. */
  async #bringIn(request: TakeRequest, confinement: Confinement | undefined, running: LimitedProcess): Promise<void> {
    try {
      await confinement?.showTo(running.pid);
      await this.#client.call(sharedProcessPaths.take, request, AbortSignal.timeout(takenWithinMs));
    } catch (error) {
      if (!(await ended(running.exited, endedWithinMs))) throw error;
    }
  }

  async #start(): Promise<LimitedProcess> {
    const running = await this.#spawn();
    this.#readOutput(running);
    this.#cleared = this.#clearUp(running);
    inBackground("clearing up after a process that plugins shared", () => this.#cleared);
    const handShake = async (signal: AbortSignal): Promise<void> => {
      this.#sockets.takeBack();
      await this.#client.call(sharedProcessPaths.hello, {}, signal);
    };
    try {
      await untilHandShake(running, { handShake, stopping: this.#stopping.signal });
      return running;
    } catch (error) {
      await running.kill();
      throw error;
    }
  }

  async #spawn(): Promise<LimitedProcess> {
    const { childCommand, environment, confinement, memoryLimitMb, isRoot, log } = this.#options;
    const { path, socketPath } = this.#sockets;
    const home = join(path, "home");
    const command = {
      ...childCommand(sharedProcessArgument),
      env: { ...environment, ...(isRoot ? {} : { HOME: home }), [wireEnvironment.socket]: socketPath },
      workingDirectory: home,
    };
    try {
      makeFoldersSync(home, 0o700);
      await confinement?.give(home);
      this.#sockets.give(confinement?.user);
      const surroundings = (held: Confinement): Promise<ProcessSurroundings> => held.ofItself([path]);
      return await LimitedProcess.start({ command, log, memoryLimitMb, confinement, surroundings });
    } catch (error) {
      await removeTree(path);
      throw error;
    }
  }

  #readOutput(running: LimitedProcess): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const unmarked = new PassThrough();
      const level = stream === "stdout" ? "info" : "warn";
      splitOutput(running[stream], {
        streamOf: (key) => this.#places.get(key)?.[stream],
        endedBy: (key) => (this.#culprit = key),
        unmarked,
      });
      readOutputLines(unmarked, (line) => this.#options.log[level](line));
    }
    inBackground("noticing the end of what plugins wrote", async () => {
      await running.closed;
      for (const place of this.#places.values()) place.endOutput();
    });
  }

  async #clearUp(running: LimitedProcess): Promise<void> {
    await running.exited;
    this.#stopping.abort();
    this.#client.close();
    await removeTree(this.#sockets.path);
  }

  /** Takes a plugin out; the last one ends the process, of which nothing is left then. */
  async #letGo(key: string): Promise<void> {
    this.#staying.delete(key);
    const isOver = this.#stopping.signal.aborted;
    if (this.#staying.size === 0) this.#stopping.abort();
    const [started] = await Promise.allSettled([this.#process]);
    if (this.#staying.size === 0) {
      if (started.status === "fulfilled") await started.value.stop();
      await this.#cleared;
    } else if (started.status === "fulfilled" && !isOver) await this.#askToLetGo(key, started.value);
  }

  /** A process that does not let go is stuck, and ended with all that are in it. */
  async #askToLetGo(key: string, running: LimitedProcess): Promise<void> {
    const request: LetGoRequest = { key };
    try {
      await this.#client.call(sharedProcessPaths.letGo, request, AbortSignal.timeout(letGoWithinMs));
    } catch (error) {
      if (await ended(running.exited, endedWithinMs)) return;
      this.#options.log.error(`process ${running.pid} does not let a plugin go; ending it: ${messageChain(error)}`);
      await running.kill();
    }
  }
}

interface PlaceDeps {
  letGo: () => Promise<void>;
  wasEndedByAnother: () => boolean;
}

/** Where one plugin is in a process that it shares. */
class Place {
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly #deps: PlaceDeps;
  readonly #left = Promise.withResolvers<string>();
  #leaving: Promise<void> | undefined;

  constructor(deps: PlaceDeps) {
    this.#deps = deps;
  }

  in(running: LimitedProcess): PluginRun {
    const { wasEndedByAnother } = this.#deps;
    const closed = [this.stdout, this.stderr].map((stream) => new Promise<void>((resolve) => stream.once("close", resolve)));
    return {
      pid: running.pid,
      stdout: this.stdout,
      stderr: this.stderr,
      exited: Promise.race([running.exited, this.#left.promise]),
      closed: Promise.all(closed),
      wasEndedByAnother,
      stop: () => this.leave(),
      giveUp: () => this.leave(),
      kill: () => running.kill(),
    };
  }

  /** Resolves when it is out of the process. */
  leave(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  endOutput(): void {
    this.stdout.end();
    this.stderr.end();
  }

  /** Where nobody reads it. */
  discardOutput(): void {
    this.stdout.resume();
    this.stderr.resume();
  }

  async #leave(): Promise<void> {
    await this.#deps.letGo();
    this.#left.resolve("as it was left");
  }
}
