import { EngineError } from "@pouchcontainer/errors";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import type { CallResult, JournalEntry } from "../journal/journal-entry.ts";
import type { PluginHost } from "../plugin-host.ts";
import { rehearse } from "./rehearse-call.ts";

export interface AskedPluginDeps {
  host: PluginHost;
  log: PluginLog;
  start: () => Promise<PluginInstance>;
  /** Undefined for one that is not started for the replay, and so is not started anew. */
  end: ((instance: PluginInstance) => Promise<void>) | undefined;
}

/** What came of a call. */
export interface Asked {
  /** What the plugin answered, or why it was not asked. */
  result: CallResult | { unasked: string };
  /** Whether there was no answer within the plugin's deadline, or its process has ended or hangs. */
  isStuck: boolean;
}

/**
 * A plugin that is asked recorded calls, one after the other, each for itself: what a call leaves behind, a loop or the end of its process,
 * is none of the next one's, which is asked of one that was started anew.
 */
export class AskedPlugin {
  readonly #deps: AskedPluginDeps;
  #instance: Promise<PluginInstance> | undefined;
  #isFresh = true;

  constructor(deps: AskedPluginDeps) {
    this.#deps = deps;
  }

  /** The one that takes the next call; rejects when it does not start, which is not tried again. */
  get instance(): Promise<PluginInstance> {
    this.#instance ??= this.#deps.start();
    return this.#instance;
  }

  async ask(entry: JournalEntry, signal: AbortSignal): Promise<Asked> {
    let instance: PluginInstance;
    try {
      instance = await this.instance;
    } catch (error) {
      signal.throwIfAborted();
      return { result: { unasked: `the plugin did not start: ${EngineError.from(error).message}` }, isStuck: true };
    }
    const wasFresh = this.#isFresh;
    const asked = await this.#askOf(instance, entry, signal);
    if (!asked.isStuck || this.#deps.end === undefined) return asked;
    this.#instance = undefined;
    this.#isFresh = true;
    await this.#deps.end(instance);
    // What an earlier call left behind may be why.
    return wasFresh ? asked : this.ask(entry, signal);
  }

  async #askOf(instance: PluginInstance, entry: JournalEntry, signal: AbortSignal): Promise<Asked> {
    const { host, log } = this.#deps;
    const started = performance.now();
    this.#isFresh = false;
    const result = await rehearse(entry, { host, instance, log, signal }).catch((error: unknown) => ({
      unasked: `it did not get as far as the plugin: ${EngineError.from(error).message}`,
    }));
    signal.throwIfAborted();
    const isLate = performance.now() - started >= (instance.manifest.points[entry.point]?.timeoutMs ?? Infinity);
    const isFailing = "unasked" in result || result.error !== undefined;
    return { result, isStuck: isLate || (isFailing && (await instance.answers?.()) === false) };
  }
}
