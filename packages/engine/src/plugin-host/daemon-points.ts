import { EngineError } from "@pouchcontainer/errors";
import type { PluginLog, Supervisor } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { noChange } from "./body-chains.ts";
import type { CallRunner } from "./call-runner.ts";
import type { ChainContext } from "./chains.ts";
import { FailedPlugin } from "./failed-plugin.ts";
import { inTurn, type ChainLink, type PluginRegistry } from "./plugin-registry.ts";

export type DaemonPoint = "daemon.preStartHook" | "daemon.preStopHook";

export interface DaemonPointsDeps {
  registry: PluginRegistry;
  runner: CallRunner;
  logOf: (plugin: string) => PluginLog;
  supervisorOf: (plugin: string, instance: PluginInstance) => Supervisor;
  stateDirectoryOf: (plugin: string) => string;
}

/** `daemon.preStartHook` and `daemon.preStopHook`: plugins hear of the daemon's start and end. */
export class DaemonPoints {
  readonly #deps: DaemonPointsDeps;

  constructor(deps: DaemonPointsDeps) {
    this.#deps = deps;
  }

  /** The first failure ends the start, and those that were told of it are told of its end. */
  async begin(context: ChainContext): Promise<void> {
    const told = new Set<string>();
    try {
      for (const link of inTurn(this.#deps.registry.chain("daemon.preStartHook"))) {
        await this.call("daemon.preStartHook", link, context);
        told.add(link.slot.name);
      }
    } catch (error) {
      await this.#tellOfTheEnd((name) => told.has(name));
      throw error;
    }
  }

  /** Failures are logged and the stop goes on. */
  async end(): Promise<void> {
    await this.#tellOfTheEnd(() => true);
  }

  async #tellOfTheEnd(concerns: (name: string) => boolean): Promise<void> {
    for (const link of inTurn(this.#deps.registry.chain("daemon.preStopHook"))) {
      const { name } = link.slot;
      if (!concerns(name)) continue;
      try {
        await this.call("daemon.preStopHook", link, {});
      } catch (error) {
        this.#deps.logOf(name).error(EngineError.from(error).message);
      }
    }
  }

  /**
   * One of one plugin. A plugin that could not be started has nothing to begin or to end: that was said when it failed, and keeps no daemon
   * from starting.
   */
  async call(point: DaemonPoint, link: ChainLink, context: ChainContext): Promise<void> {
    const { runner, supervisorOf, stateDirectoryOf } = this.#deps;
    const { name, instance } = link.slot;
    if (instance === undefined || instance instanceof FailedPlugin) return;
    const request = { supervisor: supervisorOf(name, instance), stateDirectory: stateDirectoryOf(name) };
    await runner.run(point, link, request, context, noChange, { shown: {} });
  }
}
