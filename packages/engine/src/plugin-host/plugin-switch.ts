import { messageChain, notFound } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginManifest, PointName } from "@pouchcontainer/plugin-sdk";
import { checkConfiguration, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { setTimeout as sleep } from "node:timers/promises";
import { allowedEnvironment } from "./builtin-plugins.ts";
import { Confinement, type ConfinementDeps, type PluginBelongings } from "./confinement/confinement.ts";
import { InstalledPlugin } from "./installed/installed-plugin.ts";
import type { PluginHost } from "./plugin-host.ts";
import type { PluginLogs } from "./plugin-logs.ts";
import { manifestOf, type PluginRecord } from "./plugin-record.ts";
import { PluginSlot, type ChainLink } from "./plugin-registry.ts";

/** Milliseconds a replaced or removed plugin has for the calls it is in; its deadlines are shorter as a rule. */
const drainMs = 60_000;

/** Milliseconds for the preStopHook of a plugin that is taken out by force. */
const forcedStopMs = 3000;

/** Environment every plugin's process gets besides what its manifest lists. */
const basicEnvironment = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

export interface PluginSwitchDeps {
  host: PluginHost;
  logs: PluginLogs;
  /** Where sockets of plugins are; need not survive anything. Short: see `InstalledPluginOptions`. */
  runtimeDirectory: string;
  /** How a JavaScript or TypeScript plugin is run. */
  childCommand: (directory: string) => { command: string; args: string[] };
  /** The daemon's environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The operator's settings for a plugin, from the daemon's configuration; those given at the install come after. */
  configurationOf: (plugin: string) => unknown;
  /** No plugin is started or called, whatever records say; each can be disabled, removed and replaced. Default: false. */
  safeMode?: boolean;
  stopAssistants: (plugin: string) => Promise<void>;
  /** Default: processes of plugins are not confined. */
  confine?: ConfinementDeps;
  /** Builds the route table anew; rejects, and keeps the old one, when that fails. */
  rebuildRoutes: () => Promise<void>;
  /** Instances that are compiled in; they are never closed. */
  builtin: ReadonlyMap<string, PluginInstance>;
  /** Whether the daemon points of plugins were called at the daemon's start: from then on they are at each change. Default: they were. */
  daemonBegun?: () => boolean;
  /** Changes happen one after the other. */
  exclusive: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Puts instances of plugins into the chains, swaps them and takes them out. A change is in force when it is `kept`, which makes the
 * operator's wish durable: what fails before or in it leaves everything as it was, what fails afterwards is logged.
 */
export class PluginSwitch {
  readonly #deps: PluginSwitchDeps;

  constructor(deps: PluginSwitchDeps) {
    this.#deps = deps;
  }

  /** Makes a plugin what a record says, `undefined` for none. */
  async become(name: string, record: PluginRecord | undefined, keep: () => Promise<void>): Promise<void> {
    const running = this.#deps.host.registry.get(name) !== undefined;
    if (record?.enabled === true && this.#deps.safeMode !== true)
      await (running ? this.replace(record, keep) : this.bringIn(record, keep));
    else {
      await keep();
      if (running) await this.takeOut(name);
    }
  }

  /** Lets another order decide between equal priorities. */
  async reorder(order: readonly string[], keep: () => Promise<void>): Promise<void> {
    const { host, rebuildRoutes } = this.#deps;
    const before = host.registry.order;
    host.registry.reorder(order);
    try {
      await rebuildRoutes();
      await keep();
    } catch (error) {
      host.registry.reorder(before);
      if (order[0] !== undefined) await this.rebuildQuietly(order[0]);
      throw error;
    }
  }

  /** Starts a plugin and puts it into the chains; after a failure it is out of them again. */
  async bringIn(record: PluginRecord, keep: () => Promise<void>, startTimeoutSeconds?: number): Promise<void> {
    const { host, builtin, rebuildRoutes, stopAssistants } = this.#deps;
    const instance = builtin.get(record.name) ?? (await this.start(record, startTimeoutSeconds));
    const hasRoutes = instance.manifest.points["api.updateHandler"] !== undefined;
    let begun = false;
    try {
      host.add(instance);
      await this.#daemonPoint(record.name, "daemon.preStartHook");
      begun = true;
      if (hasRoutes) await rebuildRoutes();
      await keep();
    } catch (error) {
      if (host.registry.get(record.name)?.instance === instance) {
        if (begun) await this.#quietly(record.name, () => this.#daemonPoint(record.name, "daemon.preStopHook"));
        host.registry.remove(record.name);
        if (hasRoutes) await this.rebuildQuietly(record.name);
        await this.#quietly(record.name, () => stopAssistants(record.name));
      }
      await this.#close(record.name, instance);
      throw error;
    }
  }

  /**
   * Leaves it out of every chain; calls under way have a minute to end. With `force` it is out of them first, they get no time, and what
   * it does in its own preStopHook gets little.
   */
  async takeOut(name: string, { force } = { force: false }): Promise<void> {
    const { host, stopAssistants } = this.#deps;
    const instance = host.registry.get(name)?.instance;
    const stop = this.#daemonBegun() ? this.#link(name, "daemon.preStopHook") : undefined;
    if (!force) await this.#quietly(name, () => this.#daemonPoint(name, "daemon.preStopHook"));
    const slot = host.registry.remove(name);
    slot.instance = undefined;
    // Without it the table can only have fewer claims; should another plugin refuse it all the same, the old table stays in use.
    if (instance?.manifest.points["api.updateHandler"] !== undefined) await this.rebuildQuietly(name);
    if (instance === undefined) return;
    if (force && stop !== undefined) {
      const { settings } = stop;
      const forced = { ...settings, timeoutMs: Math.min(settings.timeoutMs, forcedStopMs) };
      const alone = { ...stop, slot: new PluginSlot(instance), settings: forced };
      await this.#quietly(name, () => host.callDaemonPoint("daemon.preStopHook", alone));
    }
    await Promise.race([slot.drained(instance), sleep(force ? 0 : drainMs, undefined, { ref: false })]);
    await this.#quietly(name, () => stopAssistants(name));
    await this.#close(name, instance);
  }

  /** Swaps a new instance in. The old one stays, or comes back, when the new one fails or cannot be kept. */
  async replace(record: PluginRecord, keep: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { host, rebuildRoutes, stopAssistants } = this.#deps;
    const { name } = record;
    const fresh = await this.start(record);
    const slot = host.registry.get(name);
    const old = slot?.instance;
    const eitherHasRoutes = [fresh, old].some((one) => one?.manifest.points["api.updateHandler"] !== undefined);
    // The assistants are those of one version: the old one ends its own before the new one starts some.
    await this.#quietly(name, () => this.#daemonPoint(name, "daemon.preStopHook"));
    let begun = false;
    try {
      await stopAssistants(name);
      host.registry.swap(fresh);
      await this.#daemonPoint(name, "daemon.preStartHook");
      begun = true;
      if (eitherHasRoutes) await rebuildRoutes();
      await keep();
    } catch (error) {
      if (begun) await this.#quietly(name, () => this.#daemonPoint(name, "daemon.preStopHook"));
      await this.#quietly(name, () => stopAssistants(name));
      if (old !== undefined && slot?.instance === fresh) host.registry.swap(old);
      await this.#quietly(name, () => this.#daemonPoint(name, "daemon.preStartHook"));
      if (eitherHasRoutes) await this.rebuildQuietly(name);
      await this.#close(name, fresh);
      throw error;
    }
    if (slot === undefined || old === undefined) return;
    await Promise.race([slot.drained(old), sleep(drainMs, undefined, { ref: false })]);
    await this.#close(name, old);
  }

  /** The table of before stays in use where the new one is refused; nobody waits for an answer here, so the log has it. */
  async rebuildQuietly(name: string): Promise<void> {
    try {
      await this.#deps.rebuildRoutes();
    } catch (error) {
      this.#deps.logs.logOf(name).error(`the route table stays as it was: ${messageChain(error)}`);
    }
  }

  async start(record: PluginRecord, startTimeoutSeconds?: number): Promise<InstalledPlugin> {
    const { installed } = record;
    if (installed === undefined) throw notFound(`plugin ${record.name} is not compiled into this daemon`);
    const manifest = manifestOf(record);
    const configuration = checkConfiguration(manifest, this.configurationOf(record));
    const { logs, childCommand, runtimeDirectory, exclusive } = this.#deps;
    const environment = this.#environmentOf(manifest);
    const confinement = await this.#confine({ manifest, directory: installed.directory, environment });
    return InstalledPlugin.start({
      manifest,
      directory: installed.directory,
      configuration,
      environment,
      ...(confinement && { confinement }),
      childCommand,
      runtimeDirectory,
      log: logs.logOf(record.name),
      // A new process does not know the routes that the old one served.
      restarted: () => {
        if (manifest.points["api.updateHandler"] === undefined) return;
        inBackground("building the route table anew", () => exclusive(() => this.rebuildQuietly(record.name)), {
          plugin: record.name,
        });
      },
      ...(startTimeoutSeconds === undefined || startTimeoutSeconds <= 0 ? {} : { startTimeoutMs: startTimeoutSeconds * 1000 }),
    });
  }

  #environmentOf(manifest: PluginManifest): Record<string, string> {
    const { host, environment } = this.#deps;
    const basic = Object.fromEntries(
      basicEnvironment.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
    );
    // Another's home is closed to it.
    const home = manifest.user === undefined ? {} : { HOME: host.stateDirectoryOf(manifest.name) };
    return { ...basic, ...home, ...allowedEnvironment(manifest, environment) };
  }

  async #confine(belongings: Omit<PluginBelongings, "stateDirectory">): Promise<Confinement | undefined> {
    const { host, confine } = this.#deps;
    if (confine === undefined) return undefined;
    return Confinement.of(confine, { ...belongings, stateDirectory: () => host.stateDirectoryOf(belongings.manifest.name) });
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

  async #daemonPoint(name: string, point: "daemon.preStartHook" | "daemon.preStopHook"): Promise<void> {
    const link = this.#link(name, point);
    if (link !== undefined && this.#daemonBegun()) await this.#deps.host.callDaemonPoint(point, link);
  }

  #daemonBegun(): boolean {
    return this.#deps.daemonBegun?.() ?? true;
  }

  #link(name: string, point: PointName): ChainLink | undefined {
    return this.#deps.host.registry.chain(point).find((one) => one.slot.name === name);
  }
}
