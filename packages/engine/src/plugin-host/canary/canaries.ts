import type { Plugin } from "@pouchcontainer/api";
import { failedPrecondition, messageChain } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { basename } from "node:path";
import type { Collection } from "../../store/index.ts";
import type { PluginEvent } from "../call-runner.ts";
import { FailedPlugin } from "../failed-plugin.ts";
import type { LeavingVersions } from "../leaving-versions.ts";
import { manifestOf, type InstalledRecord, type PluginRecord } from "../plugin-record.ts";
import type { CanaryFacts, PluginRegistry, PluginSlot } from "../plugin-registry.ts";
import { Canary, linksOf } from "./canary.ts";
import type { CanaryOptions } from "./canary-options.ts";
import { Departures } from "./departures.ts";
import { checkSamePoints } from "./same-points.ts";

/** What the daemon remembers of a canary, by its folder's name: for the next one, which goes on with the version before it. */
export interface CanaryRecord {
  plugin: string;
  version: string;
  folder: string;
}

export interface CanariesDeps {
  registry: PluginRegistry;
  leaving: LeavingVersions;
  records: Collection<PluginRecord>;
  canaries: Collection<CanaryRecord>;
  start: (record: PluginRecord) => Promise<PluginInstance>;
  /** Swaps an instance in that was started, and closes it where that fails. */
  replace: (record: PluginRecord, keep: () => Promise<void>, started: PluginInstance) => Promise<void>;
  /** In the turn of the plugin that goes by this name. */
  exclusively: <T>(ref: string, work: (name: string) => Promise<T>) => Promise<T>;
  describe: (name: string) => Plugin;
  removeFolder: (name: string, directory: string) => Promise<void>;
  publish: (event: PluginEvent) => void;
  logOf: (plugin: string) => PluginLog;
  now: () => number;
  random: () => number;
}

/** A version that is tried now. */
export interface TriedVersion {
  facts: CanaryFacts;
  instance: PluginInstance;
  record: InstalledRecord;
}

interface Trial {
  readonly slot: PluginSlot;
  readonly canary: Canary;
  readonly record: InstalledRecord;
  readonly folder: string;
  promotion?: NodeJS.Timeout;
}

/**
 * New versions that are tried beside their plugin's own. On record is the own one until its canary is promoted, so that a daemon which is
 * killed goes on with that. Other changes of the plugin end its canary.
 */
export class Canaries {
  readonly #deps: CanariesDeps;
  readonly #trials = new Map<string, Trial>();
  readonly #departures: Departures;

  constructor(deps: CanariesDeps) {
    this.#deps = deps;
    this.#departures = new Departures(deps.leaving);
  }

  /** Tells of those that were tried when the last daemon ended; their folders are swept as all that no plugin's record names. */
  async sweep(): Promise<void> {
    const { canaries, records, logOf } = this.#deps;
    for (const { plugin, version, folder } of canaries.values()) {
      const current = records.get(plugin)?.installed;
      const isPromoted = current !== undefined && basename(current.directory) === folder;
      if (!isPromoted) {
        const reason = "the daemon ended while it was tried";
        logOf(plugin).warn(`its canary ${version} is gone: ${reason}`);
        this.#publish("canary-failed", plugin, version, { reason });
      }
      await canaries.delete(folder);
    }
  }

  /** Starts a version beside its plugin's own, in the turn of the plugin. */
  async begin(record: InstalledRecord, options: CanaryOptions): Promise<Plugin> {
    const { registry, canaries, start, describe } = this.#deps;
    const { name, installed } = record;
    const slot = registry.get(name);
    const old = slot?.instance;
    if (slot === undefined || old === undefined)
      throw failedPrecondition(`plugin ${name} is not called now, so no canary can have a share of its calls: enable it first`);
    if (old instanceof FailedPlugin)
      throw failedPrecondition(`plugin ${name} does not run, so it cannot answer beside a canary: reload it without one`);
    if (slot.mode === "shadow")
      throw failedPrecondition(`plugin ${name} is in shadow mode, where nothing of it counts: reload it without a canary`);
    const manifest = manifestOf(record);
    checkSamePoints(old.manifest, manifest);
    const instance = await start(record);
    const folder = basename(installed.directory);
    try {
      await canaries.put(folder, { plugin: name, version: manifest.version, folder });
    } catch (error) {
      await instance.close();
      throw error;
    }
    this.#leave(name, "another canary takes its place");
    const canary = this.#canaryOf(slot, instance, options);
    const trial: Trial = { slot, canary, record, folder };
    this.#trials.set(name, trial);
    slot.canary = canary;
    this.#publish("canary", name, manifest.version, { share: canary.facts.Share });
    this.#promoteLater(trial, options.promoteAfterMs);
    return describe(name);
  }

  #canaryOf(slot: PluginSlot, instance: PluginInstance, options: CanaryOptions): Canary {
    const { registry, now, random, logOf } = this.#deps;
    const { name } = slot;
    const canary = new Canary({
      instance,
      options,
      links: linksOf(registry, slot, instance),
      since: now(),
      random,
      warn: (message) => logOf(name).warn(message),
      passed: (reason) => {
        const trial = this.#trials.get(name);
        if (trial?.canary === canary) this.#takeAway(trial, "canary-failed", reason);
      },
    });
    return canary;
  }

  /** Lets it take all calls, as a reload does with a version that was just started. */
  async promote(ref: string): Promise<Plugin> {
    return this.#deps.exclusively(ref, (name) => this.#promote(this.#trialOf(name)));
  }

  /** Takes it away; resolves when nothing of it is left. */
  async abort(ref: string): Promise<Plugin> {
    const plugin = await this.#deps.exclusively(ref, async (name) => {
      this.#trialOf(name);
      this.#leave(name, "it was aborted");
      return this.#deps.describe(name);
    });
    await this.#departures.over(plugin.Name);
    return plugin;
  }

  /** Takes a plugin's canary away, where it has one; resolves when nothing is left of it, nor of one that went before. */
  async end(name: string, reason: string, hurry?: AbortSignal): Promise<void> {
    this.#leave(name, reason);
    await this.#departures.over(name, hurry);
  }

  #leave(name: string, reason: string): void {
    const trial = this.#trials.get(name);
    if (trial !== undefined) this.#takeAway(trial, "canary-aborted", reason);
  }

  /** The daemon stops: the next one tells of those that were tried. */
  async close(): Promise<void> {
    const trials = [...this.#trials.values()];
    for (const trial of trials) this.#detach(trial);
    await this.#departures.over(undefined, AbortSignal.abort());
    await Promise.all(trials.map(({ canary }) => canary.instance.close()));
  }

  /** Undefined where a plugin has no canary. */
  tried(name: string): TriedVersion | undefined {
    const trial = this.#trials.get(name);
    return trial && { facts: trial.canary.facts, instance: trial.canary.instance, record: trial.record };
  }

  #trialOf(name: string): Trial {
    const trial = this.#trials.get(name);
    if (trial === undefined)
      throw failedPrecondition(
        `plugin ${name} has no canary: one that failed is told in its log and events, and one begins with a reload that says its share, such as 5%`,
      );
    return trial;
  }

  async #promote(trial: Trial): Promise<Plugin> {
    const { replace, records, removeFolder, describe, canaries } = this.#deps;
    const { canary, record, folder } = trial;
    const { name } = record;
    const { version } = canary.instance.manifest;
    const before = records.get(name)?.installed?.directory;
    this.#detach(trial);
    try {
      await replace(record, () => records.put(name, record), canary.instance);
    } catch (error) {
      const reason = `it could not be promoted: ${messageChain(error)}`;
      this.#publish("canary-failed", name, version, { reason });
      await this.#forget(trial);
      throw error;
    }
    await canaries.delete(folder);
    if (before !== undefined) await removeFolder(name, before);
    this.#publish("canary-promoted", name, version);
    return describe(name);
  }

  #promoteLater(trial: Trial, afterMs: number | undefined): void {
    if (afterMs === undefined) return;
    const { name } = trial.record;
    trial.canary.promoteAt = this.#deps.now() + afterMs;
    trial.promotion = setTimeout(() => inBackground("promoting a canary", () => this.#promoteByItself(trial, afterMs)), afterMs);
    trial.promotion.unref();
    this.#deps.logOf(name).info(`its canary is promoted in ${afterMs / 1000} s, unless it passes a limit`);
  }

  /** One that has shown nothing has the same time once more. */
  async #promoteByItself(trial: Trial, afterMs: number): Promise<void> {
    const { exclusively, logOf } = this.#deps;
    const { name } = trial.record;
    try {
      await exclusively(name, async () => {
        if (this.#trials.get(name) !== trial) return;
        if (trial.canary.hasShown) await this.#promote(trial);
        else this.#promoteLater(trial, afterMs);
      });
    } catch (error) {
      logOf(name).error(`its canary could not be promoted: ${messageChain(error)}`);
    }
  }

  /** It takes no more calls. */
  #detach(trial: Trial): void {
    clearTimeout(trial.promotion);
    this.#trials.delete(trial.record.name);
    if (trial.slot.canary === trial.canary) trial.slot.canary = undefined;
  }

  /** It takes no more calls; those under way end in it, and it is ended. */
  #takeAway(trial: Trial, action: "canary-failed" | "canary-aborted", reason: string): void {
    const { logOf } = this.#deps;
    const { canary, record, slot } = trial;
    const { instance } = canary;
    const { version } = instance.manifest;
    this.#detach(trial);
    logOf(record.name).warn(`its canary ${version} is taken back: ${reason}`);
    this.#publish(action, record.name, version, { reason });
    this.#departures.begin(slot, instance, async () => {
      await instance.close();
      await this.#forget(trial);
    });
  }

  async #forget({ record, folder }: Trial): Promise<void> {
    await this.#deps.removeFolder(record.name, record.installed.directory);
    await this.#deps.canaries.delete(folder);
  }

  #publish(action: string, plugin: string, version: string, more: Record<string, string> = {}): void {
    this.#deps.publish({ action, plugin, attributes: { version, ...more } });
  }
}
