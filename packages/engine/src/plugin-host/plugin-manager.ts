import type { Plugin } from "@pouchcontainer/api";
import { conflict, EngineError, failedPrecondition, invalidArgument, messageChain, notFound } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginManifest, PointName, Supervisor } from "@pouchcontainer/plugin-sdk";
import { checkConfiguration, parseManifest, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { setTimeout as sleep } from "node:timers/promises";
import { removeTree } from "../remove-tree.ts";
import type { Collection } from "../store/index.ts";
import { allowedEnvironment } from "./builtin-plugins.ts";
import { describePlugin, pluginId } from "./describe-plugin.ts";
import { FailedPlugin } from "./failed-plugin.ts";
import { InstalledPlugin } from "./installed/installed-plugin.ts";
import { unpackPlugin, type PackageSource, type UnpackedPlugin } from "./installed/plugin-package.ts";
import type { PluginHost } from "./plugin-host.ts";
import type { PluginLogs } from "./plugin-logs.ts";
import type { ChainLink } from "./plugin-registry.ts";

/** What the daemon remembers of a plugin across restarts. */
export interface PluginRecord {
  name: string;
  enabled: boolean;
  /** Of an installed plugin; a built-in one is in the binary. */
  installed?: {
    /** The package.json the plugin was installed with. */
    packageJson: unknown;
    directory: string;
    /** Folder, archive or npm package to look at again at a reload; absent when the archive was sent. */
    source?: string;
    configuration?: Record<string, unknown>;
    installedAt: string;
  };
}

/** The one record that is not a plugin's. */
export interface PluginOrderRecord {
  order: string[];
}

export interface PluginManagerDeps {
  host: PluginHost;
  logs: PluginLogs;
  records: Collection<PluginRecord>;
  orders: Collection<PluginOrderRecord>;
  /** Where installed plugins live; survives restarts. */
  directory: string;
  /** Where their sockets are; need not survive anything. Short: see `InstalledPluginOptions`. */
  runtimeDirectory: string;
  /** How a JavaScript or TypeScript plugin is run. */
  childCommand: (directory: string) => { command: string; args: string[] };
  /** The daemon's environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The operator's settings for a plugin, from the daemon's configuration; those given at the install come after. */
  configurationOf: (plugin: string) => unknown;
  supervisorOf: (plugin: string) => Supervisor;
  stopAssistants: (plugin: string) => Promise<void>;
  /** Builds the route table anew; rejects, and keeps the old one, when that fails. */
  rebuildRoutes: () => Promise<void>;
  publish: (event: { action: string; plugin: string; attributes: Record<string, string> }) => void;
  now?: () => number;
}

export interface InstallOptions {
  /** Default: true. */
  enable?: boolean;
  configuration?: Record<string, unknown>;
  /** Has to be the name in the package, where given. */
  name?: string;
  /** Where an archive that is sent came from, for a later reload. */
  origin?: string;
}

/** Milliseconds a replaced or removed plugin has for the calls it is in; its deadlines are shorter as a rule. */
const drainMs = 60_000;

/** Environment every plugin's process gets besides what its manifest lists. */
const basicEnvironment = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/** The operator's side: which plugins there are, and what becomes of them while the daemon runs. Changes happen one after the other. */
export class PluginManager {
  readonly #deps: PluginManagerDeps;
  /** Instances of built-in plugins, which are kept while they are disabled. */
  readonly #builtin = new Map<string, PluginInstance>();
  #changes: Promise<unknown> = Promise.resolve();

  constructor(deps: PluginManagerDeps) {
    this.#deps = deps;
    for (const slot of deps.host.registry.slots()) if (slot.instance !== undefined) this.#builtin.set(slot.name, slot.instance);
  }

  /** Takes up the plugins of the last run. One that does not start is reported, and fails its calls until it is reloaded or disabled. */
  async open(): Promise<void> {
    const { host, records, orders } = this.#deps;
    const order = orders.get("order")?.order;
    if (order !== undefined) host.registry.reorder(order);
    const installed: Promise<void>[] = [];
    for (const record of records.values()) {
      if (this.#builtin.has(record.name)) {
        if (!record.enabled) host.registry.remove(record.name);
      } else if (record.enabled && record.installed !== undefined) installed.push(this.#takeUp(record));
    }
    await Promise.all(installed);
  }

  async #takeUp(record: PluginRecord): Promise<void> {
    const { host, logs, publish } = this.#deps;
    try {
      host.add(await this.#start(record));
    } catch (error) {
      const reason = messageChain(error);
      logs.logOf(record.name).error(reason);
      publish({ action: "failed", plugin: record.name, attributes: { reason } });
      host.add(new FailedPlugin(manifestOf(record), "installed", reason));
    }
  }

  /** Ends every plugin's process. Records stay as they are. */
  async close(): Promise<void> {
    await this.#changes.catch(() => undefined);
    const { registry } = this.#deps.host;
    const slots = [...registry.slots()].map(({ name }) => registry.remove(name));
    await Promise.all(slots.map(async (slot) => slot.instance?.close()));
  }

  async list(filters: Record<string, string[]> = {}): Promise<Plugin[]> {
    const unknown = Object.keys(filters).find((key) => key !== "enabled" && key !== "capability");
    if (unknown !== undefined) throw invalidArgument(`invalid filter '${unknown}'`);
    const wanted = filters["enabled"]?.map((value) => value === "true" || value === "1");
    const kinds = filters["capability"];
    return this.#names()
      .map((name) => this.#describe(name))
      .filter((plugin) => wanted === undefined || wanted.includes(plugin.Enabled))
      .filter(
        (plugin) =>
          kinds === undefined || kinds.some((kind) => plugin.Config.Interface.Types.some((type) => type.includes(kind))),
      );
  }

  async inspect(name: string): Promise<Plugin> {
    return this.#describe(this.#resolve(name));
  }

  /** Brings a plugin in and enables it. One of that name that is installed already is replaced by it, as a reload does. */
  async install(source: PackageSource, options: InstallOptions = {}): Promise<Plugin> {
    return this.#exclusive(async () => {
      const unpacked = await unpackPlugin(source, this.#deps.directory);
      try {
        await this.#take(unpacked, source, options);
      } catch (error) {
        await removeTree(unpacked.directory);
        throw error;
      }
      const { name, version } = unpacked.manifest;
      this.#deps.publish({ action: "install", plugin: name, attributes: { version } });
      return this.#describe(name);
    });
  }

  async #take(
    { manifest, packageJson, directory }: UnpackedPlugin,
    source: PackageSource,
    options: InstallOptions,
  ): Promise<void> {
    const { name } = manifest;
    const { records, now } = this.#deps;
    if (options.name !== undefined && options.name !== name) {
      throw invalidArgument(
        `the package is plugin "${name}"; another name for it is not possible, because manifests and traces speak of "${name}"`,
      );
    }
    if (this.#builtin.has(name)) throw conflict(`a plugin named "${name}" is compiled into the daemon`);
    const old = records.get(name);
    const from = "reference" in source ? source.reference : options.origin;
    const configuration = options.configuration ?? old?.installed?.configuration;
    const record: PluginRecord = {
      name,
      enabled: options.enable ?? old?.enabled ?? true,
      installed: {
        packageJson,
        directory,
        installedAt: new Date((now ?? Date.now)()).toISOString(),
        ...(from === undefined ? {} : { source: from }),
        ...(configuration === undefined ? {} : { configuration }),
      },
    };
    checkConfiguration(manifest, this.#configuration(record));
    const running = this.#deps.host.registry.get(name);
    if (running !== undefined && record.enabled) await this.#replace(record);
    else if (running !== undefined) await this.#takeOut(name, drainMs);
    else if (record.enabled) await this.#bringIn(record);
    await records.put(name, record);
    if (old?.installed !== undefined) await removeTree(old.installed.directory);
  }

  /** Calls it from now on. */
  async enable(ref: string, options: { timeoutSeconds?: number } = {}): Promise<void> {
    const name = this.#resolve(ref);
    await this.#exclusive(async () => {
      if (this.#deps.host.registry.get(name) !== undefined) throw failedPrecondition(`plugin ${name} is already enabled`);
      const record = this.#deps.records.get(name) ?? { name, enabled: false };
      await this.#bringIn(record, options.timeoutSeconds);
      await this.#deps.records.put(name, { ...record, enabled: true });
      this.#deps.publish({ action: "enable", plugin: name, attributes: {} });
    });
  }

  /** Leaves it out of every chain; calls under way end in it, unless `force` gives them no time. */
  async disable(ref: string, options: { force: boolean } = { force: false }): Promise<void> {
    const name = this.#resolve(ref);
    await this.#exclusive(async () => {
      if (this.#deps.host.registry.get(name) === undefined) throw failedPrecondition(`plugin ${name} is already disabled`);
      await this.#takeOut(name, options.force ? 0 : drainMs);
      await this.#deps.records.put(name, { ...(this.#deps.records.get(name) ?? { name }), enabled: false });
      this.#deps.publish({ action: "disable", plugin: name, attributes: {} });
    });
  }

  async remove(ref: string, options: { force: boolean } = { force: false }): Promise<Plugin> {
    const name = this.#resolve(ref);
    return this.#exclusive(async () => {
      if (this.#builtin.has(name))
        throw failedPrecondition(`plugin ${name} is compiled into the daemon: disable it, or build the daemon without it`);
      const described = this.#describe(name);
      const enabled = this.#deps.host.registry.get(name) !== undefined;
      if (enabled && !options.force) throw failedPrecondition(`plugin ${name} is enabled, disable it first or use force`);
      if (enabled) await this.#takeOut(name, 0);
      const record = this.#deps.records.get(name);
      await this.#deps.records.delete(name);
      if (record?.installed !== undefined) await removeTree(record.installed.directory);
      this.#deps.logs.forget(name);
      this.#deps.publish({ action: "remove", plugin: name, attributes: {} });
      return described;
    });
  }

  /**
   * Starts a new version, checks it, swaps it in; calls in flight end in the old one. Without an archive the source it was installed
   * from is looked at again. A version that fails leaves the old one as it is.
   */
  async reload(ref: string, archive?: PackageSource): Promise<Plugin> {
    const name = this.#resolve(ref);
    return this.#exclusive(async () => {
      const record = this.#deps.records.get(name);
      if (record?.installed === undefined) throw failedPrecondition(`plugin ${name} is compiled into the daemon: build it anew`);
      const { source } = record.installed;
      const from: PackageSource | undefined = archive ?? (source === undefined ? undefined : { reference: source });
      if (from === undefined) await this.#restart(record);
      else {
        const unpacked = await unpackPlugin(from, this.#deps.directory);
        try {
          if (unpacked.manifest.name !== name)
            throw invalidArgument(`the package is plugin "${unpacked.manifest.name}", not "${name}"`);
          await this.#take(unpacked, source === undefined ? from : { reference: source }, {});
        } catch (error) {
          await removeTree(unpacked.directory);
          throw error;
        }
      }
      this.#deps.publish({ action: "reload", plugin: name, attributes: { version: this.#manifest(name).version } });
      return this.#describe(name);
    });
  }

  async #restart(record: PluginRecord): Promise<void> {
    if (this.#deps.host.registry.get(record.name) === undefined) throw failedPrecondition(`plugin ${record.name} is disabled`);
    await this.#replace(record);
  }

  get order(): string[] {
    return [...this.#deps.host.registry.order];
  }

  /** Decides between equal priorities, from the next chain on. */
  async setOrder(names: readonly string[]): Promise<void> {
    const order = names.map((name) => this.#resolve(name));
    if (new Set(order).size !== order.length) throw invalidArgument("a plugin is named twice in the order");
    await this.#exclusive(async () => {
      await this.#deps.orders.put("order", { order });
      this.#deps.host.registry.reorder(order);
      await this.#deps.rebuildRoutes();
    });
  }

  /** The plugin's last lines, oldest first. */
  logLines(ref: string): readonly string[] {
    return this.#deps.logs.lines(this.#resolve(ref));
  }

  followLog(ref: string, write: (line: string) => void): () => void {
    return this.#deps.logs.follow(this.#resolve(ref), write);
  }

  /** Starts a plugin and puts it into the chains; after a failure it is out of them again. */
  async #bringIn(record: PluginRecord, startTimeoutSeconds?: number): Promise<void> {
    const { host } = this.#deps;
    const instance = this.#builtin.get(record.name) ?? (await this.#start(record, startTimeoutSeconds));
    host.add(instance);
    try {
      await this.#daemonPoint(record.name, "daemon.preStartHook");
      if (instance.manifest.points["api.updateHandler"] !== undefined) await this.#deps.rebuildRoutes();
    } catch (error) {
      host.registry.remove(record.name);
      await this.#deps.stopAssistants(record.name);
      if (!this.#builtin.has(record.name)) await instance.close();
      throw error;
    }
  }

  async #takeOut(name: string, waitMs: number): Promise<void> {
    const { host, stopAssistants, logs } = this.#deps;
    const instance = host.registry.get(name)?.instance;
    await this.#daemonPoint(name, "daemon.preStopHook").catch((error: unknown) => logs.logOf(name).error(messageChain(error)));
    const slot = host.registry.remove(name);
    slot.instance = undefined;
    // Without it the table can only have fewer claims; should another plugin refuse it all the same, the old table stays in use.
    if (instance?.manifest.points["api.updateHandler"] !== undefined) {
      await this.#rebuildQuietly(name);
    }
    if (instance === undefined) return;
    await Promise.race([slot.drained(instance), sleep(waitMs, undefined, { ref: false })]);
    await stopAssistants(name);
    if (!this.#builtin.has(name)) await instance.close();
  }

  /** The table of before stays in use where the new one is refused; nobody waits for an answer here, so the log has it. */
  async #rebuildQuietly(name: string): Promise<void> {
    try {
      await this.#deps.rebuildRoutes();
    } catch (error) {
      this.#deps.logs.logOf(name).error(`the route table stays as it was: ${messageChain(error)}`);
    }
  }

  /** Swaps a new instance in. The old one stays, or comes back, when the new one fails. */
  async #replace(record: PluginRecord): Promise<void> {
    const { host, rebuildRoutes } = this.#deps;
    const fresh = await this.#start(record);
    const slot = host.registry.get(record.name);
    // The assistants are those of one version: the old one ends its own before the new one starts some.
    await this.#endDaemonPoints(record.name);
    const old = host.registry.swap(fresh);
    const either = (point: PointName): boolean =>
      fresh.manifest.points[point] !== undefined || old.manifest.points[point] !== undefined;
    try {
      await this.#daemonPoint(record.name, "daemon.preStartHook");
      if (either("api.updateHandler")) await rebuildRoutes();
    } catch (error) {
      await this.#deps.stopAssistants(record.name);
      host.registry.swap(old);
      await this.#daemonPoint(record.name, "daemon.preStartHook").catch((failure: unknown) =>
        this.#deps.logs.logOf(record.name).error(messageChain(failure)),
      );
      await fresh.close();
      throw error;
    }
    if (slot !== undefined) await Promise.race([slot.drained(old), sleep(drainMs, undefined, { ref: false })]);
    await old.close();
  }

  async #endDaemonPoints(name: string): Promise<void> {
    await this.#daemonPoint(name, "daemon.preStopHook").catch((error: unknown) =>
      this.#deps.logs.logOf(name).error(messageChain(error)),
    );
    await this.#deps.stopAssistants(name);
  }

  async #start(record: PluginRecord, startTimeoutSeconds?: number): Promise<InstalledPlugin> {
    const { installed } = record;
    if (installed === undefined) throw notFound(`plugin ${record.name} is not compiled into this daemon`);
    const manifest = manifestOf(record);
    const { environment, logs, supervisorOf, childCommand, runtimeDirectory } = this.#deps;
    const basic = Object.fromEntries(
      basicEnvironment.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
    );
    return InstalledPlugin.start({
      manifest,
      directory: installed.directory,
      configuration: checkConfiguration(manifest, this.#configuration(record)),
      environment: { ...basic, ...allowedEnvironment(manifest, environment) },
      childCommand,
      runtimeDirectory,
      log: logs.logOf(record.name),
      supervisor: supervisorOf(record.name),
      // A new process does not know the routes that the old one served.
      restarted: () => {
        if (manifest.points["api.updateHandler"] === undefined) return;
        inBackground("building the route table anew", () => this.#exclusive(() => this.#rebuildQuietly(record.name)), {
          plugin: record.name,
        });
      },
      ...(startTimeoutSeconds === undefined || startTimeoutSeconds <= 0 ? {} : { startTimeoutMs: startTimeoutSeconds * 1000 }),
    });
  }

  #configuration(record: PluginRecord): unknown {
    return record.installed?.configuration ?? this.#deps.configurationOf(record.name);
  }

  async #daemonPoint(name: string, point: "daemon.preStartHook" | "daemon.preStopHook"): Promise<void> {
    const link: ChainLink | undefined = this.#deps.host.registry.chain(point).find((one) => one.slot.name === name);
    if (link !== undefined) await this.#deps.host.callDaemonPoint(point, link);
  }

  #names(): string[] {
    const names = new Set([
      ...this.#builtin.keys(),
      ...[...this.#deps.records.values()].filter((one) => one.installed !== undefined).map((one) => one.name),
    ]);
    return [...names].toSorted();
  }

  /** A plugin by name, with `:latest` as Docker's client may add it, or by the beginning of its id. */
  #resolve(ref: string): string {
    const names = this.#names();
    const name = ref.replace(/:latest$/, "");
    const found =
      names.find((one) => one === name) ??
      (/^[0-9a-f]{4,64}$/.test(ref) ? names.find((one) => pluginId(one).startsWith(ref)) : undefined);
    if (found === undefined) throw notFound(`plugin "${ref}" not found`);
    return found;
  }

  #manifest(name: string): PluginManifest {
    const builtin = this.#builtin.get(name);
    if (builtin !== undefined) return builtin.manifest;
    const record = this.#deps.records.get(name);
    if (record === undefined) throw notFound(`plugin "${name}" not found`);
    return manifestOf(record);
  }

  #describe(name: string): Plugin {
    const slot = this.#deps.host.registry.get(name);
    const record = this.#deps.records.get(name);
    const instance = slot?.instance;
    const details: Record<string, unknown> = { CallsInFlight: slot?.callsInFlight ?? 0 };
    let state = instance === undefined ? "disabled" : "running";
    if (instance instanceof InstalledPlugin) {
      state = instance.isReady ? "running" : "restarting";
      Object.assign(details, { Pid: instance.pid ?? 0, Restarts: instance.restarts });
    } else if (instance instanceof FailedPlugin) {
      state = "failed";
      details["Error"] = instance.reason;
    }
    const manifest = this.#manifest(name);
    details["Points"] = manifest.points;
    const open = pointsWithOpenCircuit(this.#deps.host, name);
    if (open.length > 0) details["OpenCircuits"] = open;
    const source = record?.installed?.source;
    return describePlugin({
      manifest,
      origin: this.#builtin.has(name) ? "built-in" : "installed",
      enabled: instance !== undefined,
      state,
      details,
      ...(source === undefined ? {} : { source }),
    });
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#changes.then(work, work);
    this.#changes = next.catch(() => undefined);
    return next;
  }
}

function pointsWithOpenCircuit(host: PluginHost, name: string): PointName[] {
  const manifest = host.registry.get(name)?.instance?.manifest;
  // Keys of the manifest's points are points.
  const points = Object.keys(manifest?.points ?? {}) as PointName[];
  return points.filter((point) => host.registry.chain(point).some((link) => link.slot.name === name && link.breaker.isOpen));
}

function manifestOf(record: PluginRecord): PluginManifest {
  if (record.installed === undefined) throw new EngineError("internal", `plugin ${record.name} has no manifest on record`);
  return parseManifest(record.installed.packageJson);
}
