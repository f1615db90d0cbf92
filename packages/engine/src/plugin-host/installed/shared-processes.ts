import type { PluginLog, PluginManifest } from "@pouchcontainer/plugin-sdk";
import { Confinement, type ConfinementDeps, type PluginBelongings } from "../confinement/confinement.ts";
import { reachesNetwork } from "../confinement/network-access.ts";
import type { PluginMode } from "../shadow/plugin-mode.ts";
import type { PluginRun } from "./plugin-run.ts";
import { SharedProcess, type SharedProcessOptions, type TakenPlugin } from "./shared-process.ts";

export interface SharedProcessesDeps extends Pick<SharedProcessOptions, "childCommand" | "runtimeDirectory"> {
  /** Default: processes are not confined. */
  confine?: ConfinementDeps | undefined;
  /** What a process gets of the daemon's environment, as any plugin's does. */
  environment: Readonly<Record<string, string>>;
  logOf: (name: string) => PluginLog;
}

/** A plugin's part in what a group of them shares. */
export interface Sharing {
  /** The plugin's, within that of the group. */
  readonly confinement: Confinement | undefined;
  /** Begins a life of the plugin in a process of the group. */
  run(plugin: TakenPlugin): Promise<PluginRun>;
  /** Of an instance that is closed; the last one ends what the group has. */
  leave(): Promise<void>;
}

/** Plugins that name the same group, are made alike and are in the same mode. */
interface SharingGroup {
  members: number;
  readonly confinement: Promise<Confinement | undefined>;
  /** The process that is filled; others may run beside it, with what was brought in before. */
  newest: SharedProcess | undefined;
}

/**
 * The processes that plugins share. A plugin is brought into the newest one of its group, or, where that had it before, into a next one: a
 * version that is loaded anew has a process without the old one's modules, and the others stay where they are until they are loaded anew.
 */
export class SharedProcesses {
  readonly #deps: SharedProcessesDeps;
  readonly #groups = new Map<string, SharingGroup>();

  constructor(deps: SharedProcessesDeps) {
    this.#deps = deps;
  }

  /** Makes a plugin one of the group that its manifest names, among those that are in the same mode. */
  async join(group: string, belongings: PluginBelongings, mode: PluginMode): Promise<Sharing> {
    const { manifest } = belongings;
    const key = likenessOf(group, manifest, mode);
    const joined = this.#groups.get(key) ?? { members: 0, confinement: this.#confine(group, manifest), newest: undefined };
    this.#groups.set(key, joined);
    joined.members += 1;
    const leave = async (): Promise<void> => {
      joined.members -= 1;
      if (joined.members > 0) return;
      this.#groups.delete(key);
      await (await joined.confinement)?.release();
    };
    try {
      const shared = await joined.confinement;
      const confinement = await shared?.within(belongings);
      const run = (plugin: TakenPlugin): Promise<PluginRun> => {
        if (joined.newest?.takes(plugin.name) !== true) joined.newest = this.#begin(group, manifest, shared);
        return joined.newest.take(plugin, confinement);
      };
      return { confinement, run, leave };
    } catch (error) {
      await leave();
      throw error;
    }
  }

  async #confine(group: string, manifest: PluginManifest): Promise<Confinement | undefined> {
    return this.#deps.confine && Confinement.ofShared(this.#deps.confine, group, manifest);
  }

  #begin(group: string, { memoryLimitMb, user }: PluginManifest, confinement: Confinement | undefined): SharedProcess {
    const { childCommand, runtimeDirectory, environment, logOf } = this.#deps;
    const log = logOf(`shared process ${group}`);
    const isRoot = user === undefined;
    return new SharedProcess({ childCommand, runtimeDirectory, environment, memoryLimitMb, isRoot, confinement, log });
  }
}

/**
 * The group, and all that a process is made with: only where that is the same it can be one. The mode is among it: what a plugin in shadow
 * mode does to its process is done to nobody whose calls count.
 */
function likenessOf(group: string, manifest: PluginManifest, mode: PluginMode): string {
  const { user, memoryLimitMb, pidsLimit } = manifest;
  return JSON.stringify([group, mode, user, memoryLimitMb, pidsLimit, reachesNetwork(manifest)]);
}
