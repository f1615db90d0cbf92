import { inBackground } from "@pouchcontainer/owners";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { oomKillsIn } from "../../control-groups/group-events.ts";
import type { Confinement } from "../confinement/confinement.ts";
import { GuardedProcess, type Exit, type GuardedCommand, type ProcessSurroundings } from "../guarded-process.ts";
import type { PluginRun } from "./plugin-run.ts";

/** How a process of plugins is run. */
export interface LimitedProcessOptions {
  command: Omit<GuardedCommand, "stopTimeoutMs" | "surroundings">;
  /** Told what its limits refuse it, and that it is ended for them. */
  log: Pick<PluginLog, "warn" | "error">;
  memoryLimitMb: number;
  /** Default: the memory of the process itself is limited, and nothing else. */
  confinement?: Confinement | undefined;
  /** What it is started in, as the confinement has it. Default: what one plugin's own process is. */
  surroundings?: (confinement: Confinement) => Promise<ProcessSurroundings>;
}

const limitCheckMs = 1000;

/** A process with code of plugins in it, held to their limits: one that takes too much memory is ended with all it started. */
export class LimitedProcess implements PluginRun {
  readonly exited: Promise<string>;
  readonly #process: GuardedProcess;
  readonly #options: LimitedProcessOptions;

  private constructor(started: GuardedProcess, options: LimitedProcessOptions) {
    this.#process = started;
    this.#options = options;
    this.exited = started.exited.then((exit) => this.#ending(exit));
    this.#watchLimits();
  }

  static async start(options: LimitedProcessOptions): Promise<LimitedProcess> {
    const { command, confinement, surroundings = (held: Confinement) => held.ofItself() } = options;
    const held = confinement && { surroundings: () => surroundings(confinement) };
    return new LimitedProcess(await GuardedProcess.start({ ...command, ...held, stopTimeoutMs: 2000 }), options);
  }

  get pid(): number {
    return this.#process.pid;
  }

  get stdout(): Readable {
    return this.#process.stdout;
  }

  get stderr(): Readable {
    return this.#process.stderr;
  }

  get closed(): Promise<unknown> {
    return this.#process.program.closed;
  }

  wasEndedByAnother(): boolean {
    return false;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  giveUp(): Promise<void> {
    return this.kill();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  #watchLimits(): void {
    const { confinement, log } = this.#options;
    let isRefused = false;
    const timer = setInterval(() => {
      const refused = isRefused ? undefined : confinement?.refusedForks(this.#process.groups);
      if (refused !== undefined) log.warn(refused);
      isRefused ||= refused !== undefined;
      const excess = this.#excess();
      if (excess === undefined) return;
      clearInterval(timer);
      log.error(`${excess}; ending it`);
      inBackground("ending a plugin's process", () => this.kill());
    }, limitCheckMs);
    timer.unref();
    inBackground("noticing the end of a plugin's process", () => this.exited.finally(() => clearInterval(timer)));
  }

  /** In words, what it takes more of than it may. Of several processes the kernel may have ended one. */
  #excess(): string | undefined {
    const { memoryLimitMb, confinement } = this.#options;
    if (confinement?.limitsMemory) return (oomKillsIn(this.#process.groups) ?? 0) > 0 ? confinement.outOfMemory : undefined;
    const usedMb = anonymousMegabytes(this.pid);
    if (usedMb <= memoryLimitMb) return undefined;
    return `its process uses ${Math.round(usedMb)} MB of memory, more than its limit of ${memoryLimitMb} MB`;
  }

  #ending({ code, signal, outOfMemory }: Exit): string {
    const { confinement } = this.#options;
    const how = signal === null ? `with status ${code}` : `by ${signal}`;
    return outOfMemory && confinement !== undefined ? `${how}: ${confinement.outOfMemory}` : how;
  }
}

/** Memory that is the process's own: mapped files, the executable first of all, are shared and do not count. */
export function anonymousMegabytes(pid: number): number {
  try {
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
