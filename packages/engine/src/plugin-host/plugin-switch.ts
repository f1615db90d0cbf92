import { EngineError, messageChain, notFound } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { checkConfiguration, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { setTimeout as sleep } from "node:timers/promises";
import { allowedEnvironment, narrowed, settledAnew, type OperatorSettings } from "./builtin-plugins.ts";
import { Confinement, type ConfinementDeps, type PluginBelongings } from "./confinement/confinement.ts";
import type { DaemonPoint } from "./daemon-points.ts";
import { InstalledPlugin, type InstalledPluginOptions } from "./installed/installed-plugin.ts";
import { withLastLines } from "./installed/last-lines.ts";
import { SharedProcesses } from "./installed/shared-processes.ts";
import type { LeavingVersions } from "./leaving-versions.ts";
import type { PluginHost } from "./plugin-host.ts";
import type { PluginLogs } from "./plugin-logs.ts";
import { isPolicy, loadPolicy } from "./policies/index.ts";
import { manifestOf, type PluginRecord } from "./plugin-record.ts";
import { PluginSlot } from "./plugin-registry.ts";
import { RouteRebuilds } from "./route-rebuilds.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";

/** Milliseconds a replaced or removed plugin has for the calls it is in; its deadlines are shorter as a rule. */
export const drainMs = 60_000;

/** Nobody waits for what a call in shadow mode comes to. */
const patienceWith = (mode: PluginMode): number => (mode === "shadow" ? 0 : drainMs);

/** Milliseconds for the preStopHook of a plugin that is taken out by force. */
const forcedStopMs = 3000;

/** Environment every plugin's process gets besides what its manifest lists. */
const basicEnvironment = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

export interface PluginSwitchDeps extends OperatorSettings {
  host: PluginHost;
  logs: PluginLogs;
  /** Where sockets of plugins are; need not survive anything. Short: see `InstalledPluginOptions`. */
  runtimeDirectory: string;
  /** How a JavaScript or TypeScript plugin is run. */
  childCommand: (directory: string) => { command: string; args: string[] };
  /** No plugin is started or called, whatever records say, but those that are made of a flag; each can be disabled, removed and replaced. Default: false. */
  safeMode?: boolean;
  stopAssistants: (plugin: string) => Promise<void>;
  /** Default: processes of plugins are not confined. */
  confine?: ConfinementDeps;
  /** Builds the route table anew, as part of a change; rejects, and keeps the old one, when that fails. */
  rebuildRoutes: () => Promise<void>;
  /** Milliseconds until a table that could not be built is tried again. Default: see `RouteRebuilds`. */
  routeRetryMs?: number;
  /** Instances that are compiled in, each as it was started last; they are never closed. */
  builtin: Map<string, PluginInstance>;
  /** Whether the daemon points of plugins were called at the daemon's start: from then on they are at each change. Default: they were. */
  daemonBegun?: () => boolean;
  /** Ends the starts of plugins that are under way, and lets none begin. Default: nothing does. */
  calledOff?: AbortSignal;
  /** What was taken out, while calls run in it. */
  leaving: LeavingVersions;
  /** Takes a plugin's canary away, for a reason; what it is in is waited for until `hurry`. */
  endCanary: (plugin: string, reason: string, hurry: AbortSignal) => Promise<void>;
  /** One at a time: what puts instances into the chains or takes them out, and the route table that comes of it. No hook is called in it. */
  withTable: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Puts instances of plugins into the chains, swaps them and takes them out. A change is in force when it is `kept`, which makes the
 * operator's wish durable: what fails before or in it leaves everything as it was, what fails afterwards is logged.
 */
export class PluginSwitch {
  readonly #deps: PluginSwitchDeps;
  /** By plugin, how its change that is under way is hurried. */
  readonly #changing = new Map<string, AbortController>();
  readonly #sharedProcesses: SharedProcesses;
  readonly #routes: RouteRebuilds;

  constructor(deps: PluginSwitchDeps) {
    this.#deps = deps;
    const { childCommand, runtimeDirectory, confine, logs } = deps;
    const environment = basicEnvironmentOf(deps.environment);
    this.#sharedProcesses = new SharedProcesses({ childCommand, runtimeDirectory, confine, environment, logOf: logs.logOf });
    this.#routes = new RouteRebuilds({ ...deps, retryMs: deps.routeRetryMs, logOf: deps.logs.logOf });
  }

  /** The process that a plugin would be called in as a record says; undefined where it needs none of its own. It is whoever asks who closes it. */
  async startFor(record: PluginRecord | undefined): Promise<PluginInstance | undefined> {
    if (record?.enabled !== true || this.#deps.safeMode === true || this.#deps.builtin.has(record.name)) return undefined;
    return this.start(record);
  }

  /** Makes a plugin what a record says, `undefined` for none; `started` is what `startFor` answered, if that was asked. It is closed after a failure. */
  async become(
    name: string,
    record: PluginRecord | undefined,
    keep: () => Promise<void>,
    started?: PluginInstance,
  ): Promise<void> {
    const running = this.#deps.host.registry.get(name) !== undefined;
    if (record?.enabled === true && this.#deps.safeMode !== true)
      await (running ? this.replace(record, keep, started) : this.bringIn(record, keep, { started }));
    else {
      await keep();
      if (running) await this.takeOut(name);
    }
  }

  /** Lets another order decide between equal priorities. */
  async reorder(order: readonly string[], keep: () => Promise<void>): Promise<void> {
    const { host, withTable } = this.#deps;
    await withTable(async () => {
      const before = [...host.registry.order];
      host.registry.reorder(order);
      try {
        await this.#routes.now();
        await keep();
      } catch (error) {
        host.registry.reorder(before);
        if (order[0] !== undefined) await this.#routes.atLast(order[0]);
        throw error;
      }
    });
  }

  /** Starts a plugin and puts it into the chains; after a failure it is out of them again. */
  async bringIn(
    record: PluginRecord,
    keep: () => Promise<void>,
    { started, startTimeoutSeconds }: { started?: PluginInstance | undefined; startTimeoutSeconds?: number | undefined } = {},
  ): Promise<void> {
    const { name, mode = "active" } = record;
    const { stopAssistants } = this.#deps;
    const instance = started ?? this.#compiledIn(name) ?? (await this.start(record, startTimeoutSeconds));
    await this.#hurried(name, async (hurry) => {
      let begun = false;
      try {
        await withComplaints(instance, this.#hook(instance, "daemon.preStartHook", { hurry, mode }));
        begun = true;
        await this.#putIn(instance, mode);
        await keep();
        this.#isInForce(instance);
      } catch (error) {
        if (begun) await this.#quietly(name, () => this.#hook(instance, "daemon.preStopHook", { hurry, mode }));
        await this.#leaveOut(instance);
        await this.#quietly(name, () => stopAssistants(name));
        await this.#close(name, instance);
        throw error;
      }
    });
  }

  /**
   * Leaves it out of every chain; calls under way have a minute to end. With `force` it is out of them first, they get no time, and what
   * it does in its own preStopHook gets little.
   */
  async takeOut(name: string, { force } = { force: false }): Promise<void> {
    const { host, stopAssistants, endCanary, leaving } = this.#deps;
    const slot = host.registry.get(name);
    const instance = slot?.instance;
    if (slot === undefined || instance === undefined) return;
    const { mode } = slot;
    await this.#hurried(name, async (hurry) => {
      const stop = (atMostMs?: number): Promise<void> =>
        this.#quietly(name, () => this.#hook(instance, "daemon.preStopHook", { hurry, mode, ...(atMostMs && { atMostMs }) }));
      if (!force) await stop();
      // Should another plugin keep the table from being built without it, requests pass it by in the old one.
      await this.#leaveOut(instance);
      await Promise.all([
        endCanary(name, "its plugin is taken out", force ? AbortSignal.abort() : hurry),
        leaving.drained(slot, instance, patienceWith(mode), force ? AbortSignal.abort() : hurry),
      ]);
      if (force) await stop(forcedStopMs);
    });
    await this.#quietly(name, () => stopAssistants(name));
    await this.#close(name, instance);
  }

  /**
   * Swaps a new instance in, or one that was started; of one that is compiled in the same code, as the operator wants it now. The old one
   * stays, or comes back, when the new one fails or cannot be kept. Without `keep` it is the version that there was, started anew.
   */
  async replace(record: PluginRecord, keep?: () => Promise<void>, started?: PluginInstance): Promise<void> {
    const { host, stopAssistants, endCanary, leaving } = this.#deps;
    const { name, mode = "active" } = record;
    const fresh = started ?? this.#compiledIn(name) ?? (await this.start(record));
    const slot = host.registry.get(name);
    const old = slot?.instance;
    const before = slot?.mode ?? mode;
    await this.#hurried(name, async (hurry) => {
      const hook = (instance: PluginInstance | undefined, point: DaemonPoint, mode: PluginMode): Promise<void> =>
        instance === undefined ? Promise.resolve() : this.#hook(instance, point, { hurry, mode });
      // The assistants are those of one version: the old one ends its own before the new one starts some.
      await this.#quietly(name, () => hook(old, "daemon.preStopHook", before));
      let begun = false;
      try {
        await stopAssistants(name);
        await withComplaints(fresh, hook(fresh, "daemon.preStartHook", mode));
        begun = true;
        await this.#swap(fresh, old, mode);
        await keep?.();
        this.#isInForce(fresh);
      } catch (error) {
        if (begun) await this.#quietly(name, () => hook(fresh, "daemon.preStopHook", mode));
        await this.#quietly(name, () => stopAssistants(name));
        if (old !== undefined && slot?.instance === fresh) await this.#swapBack(old, fresh, before);
        await this.#quietly(name, () => hook(old, "daemon.preStartHook", before));
        await this.#close(name, fresh);
        throw error;
      }
      const loaded = keep === undefined ? "its plugin was started anew" : "another version was loaded";
      const isLeft = slot !== undefined && old !== undefined && old !== fresh;
      await Promise.all([
        endCanary(name, mode === before ? loaded : `its plugin was put into ${mode} mode`, hurry),
        isLeft && leaving.drained(slot, old, patienceWith(before), hurry),
      ]);
    });
    if (old !== undefined) await this.#close(name, old);
  }

  /** What the change of this plugin that is under way waits for, a hook or calls, is waited for no longer: it is to be out by force. Whether there is one. */
  hurry(name: string): boolean {
    const changing = this.#changing.get(name);
    changing?.abort(new Error("the plugin is taken out by force"));
    return changing !== undefined;
  }

  async #hurried(name: string, change: (hurry: AbortSignal) => Promise<void>): Promise<void> {
    const changing = new AbortController();
    this.#changing.set(name, changing);
    try {
      await change(changing.signal);
    } finally {
      this.#changing.delete(name);
    }
  }

  async #putIn(instance: PluginInstance, mode: PluginMode): Promise<void> {
    const { host, withTable } = this.#deps;
    await withTable(async () => {
      host.add(instance, mode);
      if (hasRoutes(instance)) await this.#routes.now();
    });
  }

  async #leaveOut(instance: PluginInstance): Promise<void> {
    const { host, withTable } = this.#deps;
    const { name } = instance.manifest;
    await withTable(async () => {
      if (host.registry.get(name)?.instance !== instance) return;
      host.registry.remove(name).instance = undefined;
      if (hasRoutes(instance)) await this.#routes.atLast(name);
    });
  }

  async #swap(fresh: PluginInstance, old: PluginInstance | undefined, mode: PluginMode): Promise<void> {
    const { host, withTable } = this.#deps;
    await withTable(async () => {
      host.registry.swap(fresh, mode);
      if (hasRoutes(fresh) || hasRoutes(old)) await this.#routes.now();
    });
  }

  async #swapBack(old: PluginInstance, fresh: PluginInstance, mode: PluginMode): Promise<void> {
    const { host, withTable } = this.#deps;
    await withTable(async () => {
      host.registry.swap(old, mode);
      if (hasRoutes(fresh) || hasRoutes(old)) await this.#routes.atLast(old.manifest.name);
    });
  }

  /** A table that could not be built is tried no more. */
  close(): void {
    this.#routes.close();
  }

  #compiledIn(name: string): PluginInstance | undefined {
    const instance = this.#deps.builtin.get(name);
    return instance && settledAnew(instance, this.#deps);
  }

  #isInForce(instance: PluginInstance): void {
    const { name } = instance.manifest;
    const { builtin } = this.#deps;
    if (builtin.has(name)) builtin.set(name, instance);
  }

  async start(record: PluginRecord, startTimeoutSeconds?: number): Promise<PluginInstance> {
    const { installed } = record;
    if (installed === undefined) throw notFound(`plugin ${record.name} is not compiled into this daemon`);
    const manifest = narrowed(manifestOf(record), this.#deps.narrowedBy);
    const configuration = checkConfiguration(manifest, this.configurationOf(record));
    if (isPolicy(installed.packageJson)) return loadPolicy(manifest, installed.packageJson, configuration);
    const { host, logs, childCommand, runtimeDirectory, withTable, calledOff } = this.#deps;
    calledOff?.throwIfAborted();
    const environment = this.#environmentOf(manifest);
    const held = await this.#hold({ manifest, directory: installed.directory, environment }, record.mode);
    return InstalledPlugin.start({
      manifest,
      directory: installed.directory,
      configuration,
      environment,
      ...held,
      ...(calledOff && { calledOff }),
      childCommand,
      runtimeDirectory,
      log: logs.logOf(record.name),
      answerBounds: host.answerBounds,
      // A new process does not know the routes that the old one served.
      restarted: () => {
        if (manifest.points["api.updateHandler"] === undefined) return;
        inBackground("building the route table anew", () => withTable(() => this.#routes.atLast(record.name)), {
          plugin: record.name,
        });
      },
      ...(startTimeoutSeconds === undefined || startTimeoutSeconds <= 0 ? {} : { startTimeoutMs: startTimeoutSeconds * 1000 }),
    });
  }

  #environmentOf(manifest: PluginManifest): Record<string, string> {
    const { host, environment } = this.#deps;
    // Another's home is closed to it.
    const home = manifest.user === undefined ? {} : { HOME: host.stateDirectoryOf(manifest.name) };
    return { ...basicEnvironmentOf(environment), ...home, ...allowedEnvironment(manifest, environment) };
  }

  /** What the plugin is held to, by itself or with those that it shares a process with. */
  async #hold(
    own: Omit<PluginBelongings, "stateDirectory">,
    mode: PluginMode = "active",
  ): Promise<Pick<InstalledPluginOptions, "confinement" | "sharing">> {
    const { host, confine } = this.#deps;
    const { name, sharedProcess } = own.manifest;
    const belongings = { ...own, stateDirectory: () => host.stateDirectoryOf(name) };
    if (sharedProcess !== undefined) return { sharing: await this.#sharedProcesses.join(sharedProcess, belongings, mode) };
    return confine === undefined ? {} : { confinement: await Confinement.of(confine, belongings) };
  }

  /** The settings it runs with, as they were given. */
  configurationOf(record: PluginRecord): unknown {
    return record.installed?.configuration ?? this.#deps.configurationOf(record.name);
  }

  async #close(name: string, instance: PluginInstance): Promise<void> {
    if (!this.#deps.builtin.has(name)) await this.#quietly(name, () => instance.close());
  }

  async #quietly(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#deps.logs.logOf(name).error(messageChain(error));
    }
  }

  /** A daemon point of one instance, in the chains or not. */
  async #hook(instance: PluginInstance, point: DaemonPoint, { hurry, mode, atMostMs = Infinity }: HookOptions): Promise<void> {
    const { host } = this.#deps;
    const link = host.registry.linkTo(instance, point, new PluginSlot(instance, mode));
    if (link === undefined || this.#deps.daemonBegun?.() === false) return;
    const settings = { ...link.settings, timeoutMs: Math.min(link.settings.timeoutMs, atMostMs) };
    await host.callDaemonPoint(point, { ...link, settings }, { signal: hurry });
  }
}

function basicEnvironmentOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    basicEnvironment.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

interface HookOptions {
  /** Ends the wait for it. */
  hurry: AbortSignal;
  mode: PluginMode;
  atMostMs?: number;
}

/** How long after an answer what was written before it may take to be read. */
const readWithinMs = 100;

/** Of a plugin that is not kept there will be no log: a failure has what its process complained about. */
async function withComplaints(instance: PluginInstance, hook: Promise<void>): Promise<void> {
  try {
    await hook;
  } catch (error) {
    if (!(instance instanceof InstalledPlugin)) throw error;
    await sleep(readWithinMs);
    throw instance.complaints === "" ? error : withLastLines(EngineError.from(error), instance.complaints);
  }
}

const hasRoutes = (instance: PluginInstance | undefined): boolean => instance?.manifest.points["api.updateHandler"] !== undefined;
