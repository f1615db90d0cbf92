import { EngineError, messageChain, unavailable } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { ended } from "../../ended.ts";
import { firstLine } from "../../first-line.ts";
import { readOutputLines } from "../output-lines.ts";
import { endedWithinMs, untilHandShake } from "./hand-shake.ts";
import { LastLines, withLastLines } from "./last-lines.ts";
import type { PluginRun } from "./plugin-run.ts";

/** How a plugin's process is run. */
export interface PluginProcessOptions {
  /** Begins it, each time anew. */
  run: () => Promise<PluginRun>;
  /** Resolves when the process answered the hand-shake. Rejects with `unavailable` while nothing listens yet. */
  handShake: (signal: AbortSignal) => Promise<void>;
  log: PluginLog;
  /** Told when the process serves again after it had ended: what it knew is lost. */
  restarted: () => void;
  /** Told how it was each time the process ended that was not stopped, or could not be started again. */
  crashed: (how: string) => void;
  /** Between its start and the hand-shake. Default: 15000. */
  startTimeoutMs?: number;
}

const firstDelayMs = 100;
const maxDelayMs = 30_000;
/** How long the last output of a process that has ended may take to be read. */
const lastWordsMs = 1000;
/** How long a process that missed a deadline may take to answer the hand-shake before it counts as stuck. */
const aliveTimeoutMs = 3000;

/** The process that a plugin runs in: started, restarted with back-off when it ends by itself, ended when it is stuck. */
export class PluginProcess {
  readonly #options: PluginProcessOptions;
  readonly #stopping = new AbortController();
  #current: PluginRun | undefined;
  #ready = false;
  #waiting: (() => void)[] = [];
  #supervision: Promise<void> = Promise.resolve();
  #complaints = new LastLines();
  #checkingAlive = false;
  restarts = 0;

  constructor(options: PluginProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#current?.pid;
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Resolves when the process answered the hand-shake; the first failure is the caller's, later ones lead to restarts. */
  async start(calledOff?: AbortSignal): Promise<void> {
    const callOff = (): void => this.#stopping.abort();
    calledOff?.addEventListener("abort", callOff, { once: true });
    try {
      const first = await this.#spawnFirst();
      this.#supervision = this.#supervise(first);
    } finally {
      calledOff?.removeEventListener("abort", callOff);
    }
  }

  /** Who ends a process in its own start has failed; those that were in it begin once more, without it. */
  async #spawnFirst(): Promise<PluginRun> {
    for (;;) {
      this.#current = undefined;
      try {
        return await this.#spawn();
      } catch (error) {
        if (!this.#wasEndedByAnother || this.#stopping.signal.aborted) throw error;
      }
    }
  }

  get #wasEndedByAnother(): boolean {
    return this.#current?.wasEndedByAnother() ?? false;
  }

  /** Resolves when the process can take calls, also after a restart under way; rejects when the signal aborts. */
  async whenReady(signal: AbortSignal): Promise<void> {
    while (!this.#ready) {
      if (this.#stopping.signal.aborted) throw unavailable("it is being stopped");
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Whether it takes calls: one that hangs, or has ended, does not. */
  async answers(): Promise<boolean> {
    if (!this.#ready) return false;
    return this.#options.handShake(AbortSignal.timeout(aliveTimeoutMs)).then(
      () => true,
      () => false,
    );
  }

  /** Called after a missed deadline: a process that does not even answer the hand-shake is ended and started again. */
  async endIfStuck(): Promise<void> {
    const suspect = this.#current;
    if (this.#checkingAlive || suspect === undefined || !this.#ready) return;
    this.#checkingAlive = true;
    try {
      if (await this.answers()) return;
      // One that has just ended is not stuck: its supervisor says how it ended.
      if (!(await ended(suspect.exited, endedWithinMs)) && this.#current === suspect && !this.#stopping.signal.aborted) {
        this.#options.log.error("its process is stuck; ending it");
        await suspect.kill();
      }
    } finally {
      this.#checkingAlive = false;
    }
  }

  /** Ends the process and everything it started. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#current?.stop();
    await this.#supervision;
  }

  async #spawn(): Promise<PluginRun> {
    const { log, handShake, startTimeoutMs } = this.#options;
    const started = await this.#options.run();
    this.#current = started;
    this.#complaints = new LastLines();
    this.#logLines(started.stdout, "stdout");
    this.#logLines(started.stderr, "stderr");
    inBackground("noticing the end of a plugin's process", async () => {
      const how = await started.exited;
      const served = this.#ready;
      this.#ready = false;
      if (served && !this.#stopping.signal.aborted) this.#options.crashed(`its process ended ${how}`);
    });
    try {
      await untilHandShake(started, { handShake, stopping: this.#stopping.signal, timeoutMs: startTimeoutMs });
    } catch (error) {
      await started.giveUp();
      throw this.#stopping.signal.aborted ? error : await this.#withComplaints(error, started);
    }
    this.#ready = true;
    this.#wake();
    log.debug(`process ${started.pid} serves the plugin`);
    return started;
  }

  /** What it complained about last, for the author. */
  get complaints(): string {
    return this.#complaints.text;
  }

  /** A failure of the start, with what its author wants to see: the process wrote why it failed, be it alive or not. */
  async #withComplaints(error: unknown, started: PluginRun): Promise<EngineError> {
    // They may still be in the pipe.
    await ended(started.closed, lastWordsMs);
    return withLastLines(EngineError.from(error), this.complaints || undefined);
  }

  async #supervise(first: PluginRun): Promise<void> {
    const { log } = this.#options;
    let current: PluginRun | undefined = first;
    let delayMs = 0;
    while (current !== undefined) {
      const startedAt = performance.now();
      const how = await current.exited;
      await current.stop();
      this.#current = undefined;
      if (this.#stopping.signal.aborted) return;
      if (performance.now() - startedAt > maxDelayMs) delayMs = 0;
      log.error(`its process ended ${how}; starting it again`);
      current = undefined;
      while (current === undefined && !this.#stopping.signal.aborted) {
        delayMs = delayMs === 0 ? firstDelayMs : Math.min(delayMs * 2, maxDelayMs);
        await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        current = await this.#respawn(delayMs);
      }
    }
  }

  async #respawn(delayMs: number): Promise<PluginRun | undefined> {
    if (this.#stopping.signal.aborted) return undefined;
    try {
      const started = await this.#spawn();
      this.restarts += 1;
      if (this.#stopping.signal.aborted) await started.stop();
      else this.#options.restarted();
      return started;
    } catch (error) {
      this.#current = undefined;
      if (this.#stopping.signal.aborted) return undefined;
      const why = firstLine(messageChain(error));
      this.#options.log.error(`cannot start its process again (after ${delayMs} ms): ${why}`);
      this.#options.crashed(`its process could not be started again: ${why}`);
      return undefined;
    }
  }

  #logLines(output: Readable, stream: "stdout" | "stderr"): void {
    const complaints = this.#complaints;
    readOutputLines(output, (line) => {
      const { message, level = stream === "stdout" ? "info" : "warn" } = splitLevel(line);
      if (stream === "stderr" || level === "error") complaints.push(message);
      this.#options.log[level](message);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const levels: Record<string, keyof PluginLog> = { "3": "error", "4": "warn", "6": "info", "7": "debug" };

/** A line may begin with a level as the kernel's and systemd's do: `<4>disk is nearly full`. */
function splitLevel(line: string): { message: string; level?: keyof PluginLog } {
  const parts = /^<([0-7])>(.*)$/.exec(line);
  return parts === null ? { message: line } : { message: parts[2] ?? "", level: levels[parts[1] ?? ""] ?? "info" };
}
