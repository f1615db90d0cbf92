import { conflict, failedPrecondition, messageChain, resourceExhausted } from "@pouchcontainer/errors";
import { asHost } from "@pouchcontainer/owners";
import type { AssistantHandle, AssistantProcess, PluginLog, Supervisor } from "@pouchcontainer/plugin-sdk";
import { setTimeout as sleep } from "node:timers/promises";
import type { Confinement } from "./confinement/confinement.ts";
import { GuardedProcess } from "./guarded-process.ts";
import { readOutputLines } from "./output-lines.ts";

/** Of one plugin: its control group's limit of processes does not hold what the daemon starts into it. */
const mostAssistants = 64;

/** One that ends and ends is started once in that time, whatever its plugin asks for. */
const slowestDelayMs = 1000;
const leastDelayMs = 10;

export interface AssistantSupervisorDeps {
  logOf: (plugin: string) => PluginLog;
  environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the assistant processes of all plugins; `stopAll` ends them in the reverse order of their starts. */
export class AssistantSupervisor {
  readonly #deps: AssistantSupervisorDeps;
  readonly #assistants: Assistant[] = [];
  /** What each plugin's views are good for, until its assistants are stopped: those it gets later are good again. */
  readonly #grants = new Map<string, AbortController>();

  constructor(deps: AssistantSupervisorDeps) {
    this.#deps = deps;
  }

  /**
   * The view one plugin has: what it starts is held to what the plugin is. It starts nothing any more when the plugin's assistants were
   * stopped.
   */
  forPlugin(plugin: string, confinement?: Confinement): Supervisor {
    const grant = this.#grants.get(plugin) ?? new AbortController();
    this.#grants.set(plugin, grant);
    return { start: (process) => asHost(() => this.#start({ plugin, confinement }, process, grant.signal)) };
  }

  async #start(owner: AssistantOwner, process: AssistantProcess, revoked: AbortSignal): Promise<AssistantHandle> {
    const { plugin } = owner;
    if (revoked.aborted) {
      throw failedPrecondition(
        `assistant "${process.name}" cannot be started: the assistants of plugin "${plugin}" were stopped since it was given its supervisor`,
      );
    }
    if (this.#assistants.some((one) => one.plugin === plugin && one.name === process.name)) {
      throw conflict(`plugin "${plugin}" runs an assistant named "${process.name}" already`);
    }
    if (this.#assistants.filter((one) => one.plugin === plugin).length >= mostAssistants)
      throw resourceExhausted(`plugin "${plugin}" runs ${mostAssistants} assistants, which is the most that one may`);
    const assistant = new Assistant(owner, process, this.#deps, () => this.#forget(assistant));
    this.#assistants.push(assistant);
    try {
      await assistant.start();
    } catch (error) {
      this.#forget(assistant);
      throw error;
    }
    return assistant;
  }

  #forget(assistant: Assistant): void {
    const index = this.#assistants.indexOf(assistant);
    if (index !== -1) this.#assistants.splice(index, 1);
  }

  /** Ends a plugin's assistants, the last started first. */
  async stopPlugin(plugin: string): Promise<void> {
    this.#revoke(plugin);
    await this.#stop((assistant) => assistant.plugin === plugin);
  }

  /** Ends all assistants, the last started first. */
  async stopAll(): Promise<void> {
    for (const plugin of this.#grants.keys()) this.#revoke(plugin);
    await this.#stop(() => true);
  }

  #revoke(plugin: string): void {
    this.#grants.get(plugin)?.abort();
    this.#grants.delete(plugin);
  }

  async #stop(which: (assistant: Assistant) => boolean): Promise<void> {
    // One after the other: a later one may rely on an earlier one until its own end.
    for (const assistant of this.#assistants.filter(which).toReversed()) await assistant.stop();
  }
}

/** Whose an assistant is, and what it is held to. */
interface AssistantOwner {
  plugin: string;
  confinement: Confinement | undefined;
}

class Assistant implements AssistantHandle {
  readonly plugin: string;
  readonly name: string;
  restarts = 0;
  readonly #options: AssistantProcess;
  readonly #confinement: Confinement | undefined;
  readonly #deps: AssistantSupervisorDeps;
  readonly #log: PluginLog;
  readonly #gone: () => void;
  readonly #stopping = new AbortController();
  #process: GuardedProcess | undefined;
  #delayMs = 0;
  #starting: Promise<void> = Promise.resolve();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    { plugin, confinement }: AssistantOwner,
    options: AssistantProcess,
    deps: AssistantSupervisorDeps,
    gone: () => void,
  ) {
    this.plugin = plugin;
    this.#confinement = confinement;
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
    this.#log = deps.logOf(plugin);
    this.#gone = gone;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async start(): Promise<void> {
    this.#starting = this.#begin();
    await this.#starting;
  }

  async #begin(): Promise<void> {
    const first = await this.#spawn();
    if (this.#stopping.signal.aborted) {
      await first.stop();
      throw failedPrecondition(`assistant "${this.name}" was stopped while it was started`);
    }
    this.#loop = this.#supervise(first);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // Its failure is told to whoever started it.
    await Promise.allSettled([this.#starting]);
    await this.#process?.stop();
    await this.#loop;
    this.#gone();
  }

  async #spawn(): Promise<GuardedProcess> {
    const { command, args = [], env = {}, workingDirectory, stopTimeoutMs = 5000 } = this.#options;
    const confinement = this.#confinement;
    const started = await GuardedProcess.start({
      command,
      args,
      env: { ...(confinement?.environment ?? definedOnly(this.#deps.environment)), ...env },
      stopTimeoutMs,
      ...(confinement && { surroundings: () => confinement.ofAssistant() }),
      ...(workingDirectory === undefined ? {} : { workingDirectory }),
    });
    this.#process = started;
    readOutputLines(started.stdout, (line) => this.#log.info(`${this.name}: ${line}`));
    readOutputLines(started.stderr, (line) => this.#log.info(`${this.name}: ${line}`));
    this.#log.info(`assistant ${this.name} runs as process ${started.pid}`);
    return started;
  }

  async #supervise(first: GuardedProcess): Promise<void> {
    const { policy = "always" } = this.#options.restart ?? {};
    const initialDelayMs = Math.max(this.#options.restart?.initialDelayMs ?? 100, leastDelayMs);
    const maxDelayMs = Math.max(this.#options.restart?.maxDelayMs ?? 30_000, slowestDelayMs);
    let current: GuardedProcess | undefined = first;
    let startedAt = performance.now();
    while (current !== undefined) {
      const exit = await current.exited;
      // Its children are gone too before another one starts in its place.
      await current.stop();
      this.#process = undefined;
      if (this.#stopping.signal.aborted) return;
      const reason = exit.outOfMemory && this.#confinement ? `: ${this.#confinement.outOfMemory}` : "";
      const how = `${exit.signal === null ? `with status ${exit.code}` : `by ${exit.signal}`}${reason}`;
      if (policy === "never" || (policy === "on-failure" && exit.code === 0)) {
        this.#log.info(`assistant ${this.name} ended ${how}`);
        this.#gone();
        return;
      }
      const livedMs = performance.now() - startedAt;
      this.#delayMs = livedMs > maxDelayMs || this.#delayMs === 0 ? initialDelayMs : Math.min(this.#delayMs * 2, maxDelayMs);
      this.#log.warn(`assistant ${this.name} ended ${how}; started again in ${this.#delayMs} ms`);
      current = await this.#restart(maxDelayMs);
      startedAt = performance.now();
    }
  }

  async #restart(maxDelayMs: number): Promise<GuardedProcess | undefined> {
    while (!this.#stopping.signal.aborted) {
      // A stop ends the wait: the loop sees the signal and leaves.
      await sleep(this.#delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return undefined;
      try {
        const started = await this.#spawn();
        this.restarts += 1;
        // A stop that came while it was starting did not see it.
        if (this.#stopping.signal.aborted) await started.stop();
        return started;
      } catch (error) {
        this.#delayMs = Math.min(this.#delayMs * 2, maxDelayMs);
        this.#log.warn(`assistant ${this.name} could not be started: ${messageChain(error)}; tried again in ${this.#delayMs} ms`);
      }
    }
    return undefined;
  }
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  // Only defined values pass the filter.
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined)) as Record<string, string>;
}
