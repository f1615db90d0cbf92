import { messageChain } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";

/** Milliseconds until a table that could not be built is tried again; each time twice as many, up to the second. */
const firstRetryMs = 5000;
const lastRetryMs = 300_000;

export interface RouteRebuildsDeps {
  /** See `PluginSwitchDeps`. */
  rebuildRoutes: () => Promise<void>;
  withTable: <T>(work: () => Promise<T>) => Promise<T>;
  logOf: (plugin: string) => PluginLog;
  /** Default: 5000. */
  retryMs?: number | undefined;
}

/**
 * Builds the route table anew, each time with the table to oneself. Where a change is in force whether that succeeds or not, it is tried
 * until it does.
 */
export class RouteRebuilds {
  readonly #deps: RouteRebuildsDeps;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: RouteRebuildsDeps) {
    this.#deps = deps;
  }

  /** Rejects, and keeps the table of before, where that fails. */
  async now(): Promise<void> {
    await this.#deps.rebuildRoutes();
    this.#stop();
  }

  /** The table of before stays in use until it can be built: nobody waits for an answer here, so the plugin's log has it. */
  async atLast(plugin: string): Promise<void> {
    const problem = await this.#attempt(plugin, this.#deps.retryMs ?? firstRetryMs);
    if (problem === undefined) return;
    this.#deps.logOf(plugin).error(`the route table stays as it was, and is tried again until it can be built: ${problem}`);
  }

  /** Why it could not be built; from then on it is tried again. */
  async #attempt(plugin: string, retryMs: number): Promise<string | undefined> {
    try {
      await this.now();
      return undefined;
    } catch (error) {
      this.#stop();
      if (!this.#closed) this.#retry = setTimeout(() => this.#again(plugin, retryMs), retryMs).unref();
      return messageChain(error);
    }
  }

  #again(plugin: string, retryMs: number): void {
    const attempt = (): Promise<unknown> => this.#attempt(plugin, Math.min(2 * retryMs, lastRetryMs));
    inBackground("building the route table anew", () => this.#deps.withTable(attempt), { plugin });
  }

  /** It is tried no more. */
  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #stop(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}
