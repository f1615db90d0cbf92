import { makeFolders } from "@pouchcontainer/owners";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../../remove-tree.ts";
import { folderPrefix } from "../installed/plugin-package.ts";
import type { PackageFolders } from "../package-folders.ts";
import { LeavingVersions } from "../leaving-versions.ts";
import { PluginLogs } from "../plugin-logs.ts";
import type { PluginRecord } from "../plugin-record.ts";
import { PluginSwitch, type PluginSwitchDeps } from "../plugin-switch.ts";

export type ReplayInstancesDeps = Omit<PluginSwitchDeps, "builtin" | "withTable" | "endCanary" | "leaving"> & {
  /** Below it are folders that the next daemon removes where this one could not. */
  directory: string;
  folders: PackageFolders;
};

/** Instances of plugins that are in no chain: with processes, folders of state and control groups of their own, which end with it. */
export class ReplayInstances implements AsyncDisposable {
  readonly #deps: ReplayInstancesDeps;
  readonly #started = new Set<PluginInstance>();
  readonly #held = new AsyncDisposableStack();

  constructor(deps: ReplayInstancesDeps) {
    this.#deps = deps;
  }

  async start(record: PluginRecord): Promise<PluginInstance> {
    const { directory, host, logs } = this.#deps;
    await makeFolders(directory, 0o700);
    const state = await mkdtemp(join(directory, folderPrefix));
    this.removeAfterwards(state);
    const starter = new PluginSwitch({
      ...this.#deps,
      host: host.rehearsal({ stateDirectoryOf: () => state }, []),
      logs: new PluginLogs({ logOf: (plugin) => replayLog(logs.logOf(plugin)) }),
      rebuildRoutes: async () => undefined,
      builtin: new Map(),
      withTable: (work) => work(),
      endCanary: async () => undefined,
      leaving: new LeavingVersions(Date.now),
    });
    const instance = await starter.start(record);
    this.#started.add(instance);
    return instance;
  }

  async end(instance: PluginInstance): Promise<void> {
    if (this.#started.delete(instance)) await instance.close();
  }

  /** A plugin's folder stays until what was started has ended, also where the plugin is removed or replaced meanwhile. */
  keep(folder: string): void {
    this.#held.defer(this.#deps.folders.hold(folder));
  }

  /** A folder that nobody needs any more when what was started has ended. */
  removeAfterwards(folder: string): void {
    this.#held.defer(() => removeTree(folder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The last that are noted go first: processes before their folders.
    for (const instance of this.#started) this.#held.defer(() => this.end(instance));
    await this.#held.disposeAsync();
  }
}

/** The plugin's log, where what comes of a replay is told from what comes of calls; nobody is called at night for it. */
export function replayLog(log: PluginLog): PluginLog {
  const words = (message: string): string => `in a replay: ${message}`;
  return {
    debug: (message) => log.debug(words(message)),
    info: (message) => log.info(words(message)),
    warn: (message) => log.warn(words(message)),
    error: (message) => log.warn(words(message)),
  };
}
