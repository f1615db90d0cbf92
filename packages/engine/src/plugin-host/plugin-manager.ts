import type { Plugin, PluginPermissionsReport, PluginPrivilege, PluginPrivileges, PluginSetFile } from "@pouchcontainer/api";
import { conflict, cutText, type EngineError, failedPrecondition, invalidArgument, messageChain } from "@pouchcontainer/errors";
import { checkConfiguration, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { basename } from "node:path";
import { firstLine } from "../first-line.ts";
import { removeTree } from "../remove-tree.ts";
import type { ProgressSink } from "../registry/progress.ts";
import type { Collection } from "../store/index.ts";
import { pullOf, pullSource, type PluginPullRequest } from "./artifact/pull-request.ts";
import type { PluginArtifacts, PullOptions } from "./artifact/plugin-artifacts.ts";
import { pushInstalled, type PluginPushRequest } from "./artifact/push-installed.ts";
import { FailedPlugin } from "./failed-plugin.ts";
import { removeLostSockets } from "./installed/installed-plugin.ts";
import { packageFolders, readPlugin, unpackPlugin, type PackageSource, type UnpackedPlugin } from "./installed/plugin-package.ts";
import { grantNow, toBeGranted, warningOf, type GrantedPrivileges } from "./permissions/granted.ts";
import { privilegesOf } from "./permissions/privileges.ts";
import { PluginCatalogue } from "./plugin-catalogue.ts";
import { legibleManifestOf, originOf, type PluginOrderRecord, type PluginPlace, type PluginRecord } from "./plugin-record.ts";
import type { SetAction } from "./plugin-set-plan.ts";
import { exportedSet } from "./plugin-set-export.ts";
import { PluginSets } from "./plugin-sets.ts";
import { PluginTurns } from "./plugin-turns.ts";
import { PluginSwitch, type PluginSwitchDeps } from "./plugin-switch.ts";

export interface PluginManagerDeps extends Omit<PluginSwitchDeps, "builtin" | "withTable"> {
  records: Collection<PluginRecord>;
  orders: Collection<PluginOrderRecord>;
  /** Where installed plugins live; survives restarts. */
  directory: string;
  /** Plugins in registries, and whose signatures count. */
  artifacts: PluginArtifacts;
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
  /** What whoever installs it grants, besides what was granted to an earlier version. Default: nothing. */
  privileges?: GrantedPrivileges;
}

/**
 * The operator's side: which plugins there are, and what becomes of them while the daemon runs. Changes of one plugin happen one after the
 * other, and wait for no other plugin's; what all of them share, the chains and the route table, each has for a moment.
 */
export class PluginManager {
  readonly #deps: PluginManagerDeps;
  /** Instances of built-in plugins, which are kept while they are disabled. */
  readonly #builtin = new Map<string, PluginInstance>();
  readonly #catalogue: PluginCatalogue;
  readonly #switch: PluginSwitch;
  readonly #turns = new PluginTurns();

  constructor(deps: PluginManagerDeps) {
    this.#deps = deps;
    for (const slot of deps.host.registry.slots()) if (slot.instance !== undefined) this.#builtin.set(slot.name, slot.instance);
    const { host, records, safeMode = false } = deps;
    this.#catalogue = new PluginCatalogue({ host, records, builtin: this.#builtin, safeMode });
    this.#switch = new PluginSwitch({ ...deps, builtin: this.#builtin, withTable: (work) => this.#turns.withTable(work) });
  }

  /**
   * Takes up the plugins of the last run, but those that are `heldBack`. One that does not start is reported, and fails its calls until it is
   * reloaded or disabled.
   */
  async open(heldBack: ReadonlySet<string> = new Set()): Promise<void> {
    const { host, records, orders, runtimeDirectory, confine } = this.#deps;
    await confine?.groups.sweep();
    removeLostSockets(runtimeDirectory);
    const order = orders.get("order")?.order;
    if (order !== undefined) host.registry.reorder(order);
    const installed = [this.#removeLostFolders()];
    if (this.#deps.safeMode === true) {
      for (const name of this.#builtin.keys()) host.registry.remove(name);
      await Promise.all(installed);
      return;
    }
    for (const record of records.values()) {
      if (this.#builtin.has(record.name)) {
        if (!record.enabled) host.registry.remove(record.name);
      } else if (record.enabled && !heldBack.has(record.name) && record.installed !== undefined)
        installed.push(this.#takeUp(record));
    }
    await Promise.all(installed);
  }

  /** What a daemon that was killed had brought in and not kept yet, or had not taken away yet. The store has taken in by now what it had lost. */
  async #removeLostFolders(): Promise<void> {
    const { records, directory } = this.#deps;
    // Names are made up, each once: a home may be known by another path now.
    const kept = new Set([...records.values()].flatMap(({ installed }) => (installed ? [basename(installed.directory)] : [])));
    for (const folder of await packageFolders(directory))
      if (!kept.has(basename(folder))) await this.#removeFolder(basename(folder), folder);
  }

  async #takeUp(record: PluginRecord): Promise<void> {
    const { host, logs, publish } = this.#deps;
    let instance: PluginInstance;
    try {
      instance = await this.#switch.start(record);
    } catch (error) {
      // The rest is what its process wrote, which is in its log.
      const reason = cutText(firstLine(messageChain(error)));
      logs.logOf(record.name).error(reason);
      publish({ action: "failed", plugin: record.name, attributes: { reason } });
      instance = new FailedPlugin(legibleManifestOf(record).manifest, originOf(record), reason);
    }
    host.add(instance);
  }

  /** Ends every plugin's process. Records stay as they are. */
  async close(): Promise<void> {
    await this.#turns.close();
    const { registry } = this.#deps.host;
    const slots = [...registry.slots()].map(({ name }) => registry.remove(name));
    await Promise.all(slots.map(async (slot) => slot.instance?.close()));
  }

  async list(filters: Record<string, string[]> = {}): Promise<Plugin[]> {
    return this.#catalogue.list(filters);
  }

  async inspect(name: string): Promise<Plugin> {
    return this.#catalogue.describe(this.#catalogue.resolve(name));
  }

  /** What a package asks for, and what of that nobody has granted yet. */
  async privileges(source: PackageSource): Promise<PluginPrivileges> {
    const words = await readPlugin(source, this.#deps);
    const { name, version, permissions } = words.manifest;
    const missing = toBeGranted(words, this.#deps.records.get(name));
    return { Name: name, Version: version, Privileges: privilegesOf(permissions), Missing: missing };
  }

  /** The same of a registry's plugin as Docker's client asks it: all that a pull has to grant. */
  async pullPrivileges(request: Pick<PluginPullRequest, "remote" | "auth">, signal: AbortSignal): Promise<PluginPrivilege[]> {
    const { Privileges, Missing } = await this.privileges(pullSource(request, { artifacts: this.#deps.artifacts, signal }));
    return Missing.length === 0 ? [] : Privileges;
  }

  /** What a plugin asks for, was granted, and did. */
  permissions(ref: string): PluginPermissionsReport {
    return this.#catalogue.permissions(this.#catalogue.resolve(ref));
  }

  /** Brings a plugin in and enables it. One of that name that is installed already is replaced by it, as a reload does. */
  async install(source: PackageSource, options: InstallOptions = {}): Promise<Plugin> {
    return this.#exclusivelyWith(source, async (unpacked) => {
      const { origin } = options;
      await this.#take(unpacked, { ...(origin !== undefined && { source: origin }), ...unpacked.place }, options);
      const { name, version } = unpacked.manifest;
      const warning = warningOf(unpacked, []);
      if (warning !== undefined) this.#deps.logs.logOf(name).warn(warning);
      this.#deps.publish({ action: "install", plugin: name, attributes: { version } });
      return this.#catalogue.describe(name);
    });
  }

  /** The same of a registry's plugin, of which the lines tell how far it is. */
  async pull(request: PluginPullRequest, progress: ProgressSink, signal: AbortSignal): Promise<void> {
    const { source, options, installed } = pullOf(
      request,
      { artifacts: this.#deps.artifacts, progress, signal },
      (name) => this.#deps.records.get(name)?.installed !== undefined || this.#builtin.has(name),
    );
    progress(installed(await this.install(source, options)));
  }

  /** Puts an installed plugin into a registry. Its package is packed in one turn, and sent in nobody's. */
  async push(ref: string, request: PluginPushRequest, progress: ProgressSink, signal: AbortSignal): Promise<void> {
    const { artifacts, directory } = this.#deps;
    await pushInstalled({ artifacts, directory, request, progress, signal }, (pack) =>
      this.#exclusivelyOn(ref, async (name) => {
        if (this.#builtin.has(name))
          throw failedPrecondition(`plugin ${name} is compiled into the daemon: push it from its package, installed somewhere`);
        return pack(this.#installed(name).installed);
      }),
    );
  }

  /** A package is brought in before the turn of the change it is for: how long that takes is its sender's to say. */
  async #exclusivelyWith<T>(source: PackageSource, work: (unpacked: UnpackedPlugin) => Promise<T>): Promise<T> {
    const unpacked = await unpackPlugin(source, this.#deps);
    try {
      return await this.#turns.take([unpacked.manifest.name], () => {
        if ("reference" in source) source.pull?.signal?.throwIfAborted();
        return work(unpacked);
      });
    } catch (error) {
      await removeTree(unpacked.directory);
      throw error;
    }
  }

  async #take(
    { manifest, packageJson, directory, content }: UnpackedPlugin,
    place: PluginPlace,
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
    const granted = grantNow({ manifest, packageJson }, old, options.privileges ?? []);
    const configuration = options.configuration ?? old?.installed?.configuration;
    const record: PluginRecord = {
      name,
      enabled: options.enable ?? old?.enabled ?? true,
      installed: {
        packageJson,
        directory,
        installedAt: new Date((now ?? Date.now)()).toISOString(),
        content,
        ...place,
        ...(configuration === undefined ? {} : { configuration }),
        ...(manifest.permissions === undefined ? {} : { granted }),
      },
    };
    checkConfiguration(manifest, this.#switch.configurationOf(record));
    await this.#switch.become(name, record, () => records.put(name, record));
    if (old?.installed !== undefined) await this.#removeFolder(name, old.installed.directory);
  }

  /** Sets of plugins, brought about as other changes are. */
  get sets(): PluginSets {
    const { records, directory, artifacts, now = Date.now, publish, logs } = this.#deps;
    return new PluginSets({
      records,
      directory,
      artifacts,
      now,
      isBuiltin: (name) => this.#builtin.has(name),
      configurationOf: (record) => this.#switch.configurationOf(record),
      exclusive: (names, work) => this.#turns.take(names, work),
      become: (name, record, keep) => this.#switch.become(name, record, keep),
      order: () => this.order,
      setOrder: (names) => this.#switch.reorder(names, () => this.#keepOrder(names)),
      warn: (plugin, message) => logs.logOf(plugin).error(message),
      settled: async ({ name, action, from, to }) => {
        publish({ action: eventOf(action), plugin: name, attributes: {} });
        const before = from?.installed?.directory;
        if (before !== undefined && before !== to?.installed?.directory) await this.#removeFolder(name, before);
        if (to === undefined) logs.forget(name);
      },
    });
  }

  /** The plugins there are, as a set that `sets` would bring about. */
  exportSet(): PluginSetFile {
    const builtin = [...this.#builtin.keys()].map((name) => ({ name, enabled: this.#catalogue.isEnabled(name) }));
    return exportedSet([...this.#deps.records.values()], builtin, this.order);
  }

  /** Calls it from now on. */
  async enable(ref: string, options: { timeoutSeconds?: number } = {}): Promise<void> {
    await this.#exclusivelyOn(ref, async (name) => {
      if (this.#catalogue.isEnabled(name)) throw failedPrecondition(`plugin ${name} is already enabled`);
      if (this.#deps.safeMode === true) throw notInSafeMode(name);
      const record = this.#deps.records.get(name) ?? { name, enabled: false };
      const keep = (): Promise<void> => this.#deps.records.put(name, { ...record, enabled: true });
      await this.#switch.bringIn(record, keep, options.timeoutSeconds);
      this.#deps.publish({ action: "enable", plugin: name, attributes: {} });
    });
  }

  /** Leaves it out of every chain; calls under way end in it, unless `force` gives them no time. */
  async disable(ref: string, options: { force: boolean } = { force: false }): Promise<void> {
    if (options.force) this.#switch.hurry(this.#keyOf(ref));
    await this.#exclusivelyOn(ref, async (name) => {
      if (!this.#catalogue.isEnabled(name)) throw failedPrecondition(`plugin ${name} is already disabled`);
      await this.#deps.records.put(name, { ...(this.#deps.records.get(name) ?? { name }), enabled: false });
      if (this.#catalogue.isInChains(name)) await this.#switch.takeOut(name, options);
      this.#deps.publish({ action: "disable", plugin: name, attributes: {} });
    });
  }

  async remove(ref: string, options: { force: boolean } = { force: false }): Promise<Plugin> {
    if (options.force) this.#switch.hurry(this.#keyOf(ref));
    return this.#exclusivelyOn(ref, async (name) => {
      if (this.#builtin.has(name))
        throw failedPrecondition(`plugin ${name} is compiled into the daemon: disable it, or build the daemon without it`);
      const described = this.#catalogue.describe(name);
      if (this.#catalogue.isEnabled(name) && !options.force)
        throw failedPrecondition(`plugin ${name} is enabled, disable it first or use force`);
      const record = this.#deps.records.get(name);
      await this.#deps.records.delete(name);
      if (this.#catalogue.isInChains(name)) await this.#switch.takeOut(name, { force: true });
      if (record?.installed !== undefined) await this.#removeFolder(name, record.installed.directory);
      this.#deps.logs.forget(name);
      this.#deps.publish({ action: "remove", plugin: name, attributes: {} });
      return described;
    });
  }

  /**
   * Starts a new version, checks it, swaps it in; calls in flight end in the old one. Without an archive the source it was installed
   * from is looked at again, as `pull` says where that is a registry. A version that fails leaves the old one as it is.
   */
  async reload(
    ref: string,
    archive?: PackageSource,
    { privileges = [], pull = {} }: { privileges?: GrantedPrivileges; pull?: PullOptions } = {},
  ): Promise<Plugin> {
    const {
      name: wanted,
      installed: { source, sent },
    } = this.#installed(this.#catalogue.resolve(ref));
    if (archive === undefined && source !== undefined && sent)
      throw failedPrecondition(
        `plugin ${wanted} was sent from ${source}: reload it where that is, or install it again from where it is now`,
      );
    const from: PackageSource | undefined = archive ?? (source === undefined ? undefined : { reference: source, pull });
    if (from === undefined) {
      return this.#exclusivelyOn(ref, async (name) => {
        await this.#restart(this.#installed(name));
        return this.#reloaded(name);
      });
    }
    return this.#exclusivelyWith(from, async (unpacked) => {
      const name = this.#catalogue.resolve(ref);
      if (unpacked.manifest.name !== name)
        throw invalidArgument(`the package is plugin "${unpacked.manifest.name}", not "${name}"`);
      const now = this.#installed(name).installed;
      if (archive === undefined && (now.source !== source || now.sent !== sent))
        throw conflict(`plugin ${name} was installed from elsewhere while it was brought in from ${source}: reload it again`);
      await this.#take(unpacked, archive === undefined ? unpacked.place : placeAfterSending(now), { privileges });
      return this.#reloaded(name);
    });
  }

  #installed(name: string): PluginRecord & Required<Pick<PluginRecord, "installed">> {
    const { installed, ...record } = this.#deps.records.get(name) ?? { name, enabled: true };
    if (installed === undefined) throw failedPrecondition(`plugin ${name} is compiled into the daemon: build it anew`);
    return { ...record, installed };
  }

  #reloaded(name: string): Plugin {
    this.#deps.publish({
      action: "reload",
      plugin: name,
      attributes: { version: this.#catalogue.manifest(name).manifest.version },
    });
    return this.#catalogue.describe(name);
  }

  async #restart(record: PluginRecord): Promise<void> {
    if (!this.#catalogue.isEnabled(record.name)) throw failedPrecondition(`plugin ${record.name} is disabled`);
    if (this.#deps.safeMode === true) throw notInSafeMode(record.name);
    await this.#switch.replace(record);
  }

  get order(): string[] {
    return [...this.#deps.host.registry.order];
  }

  /** Decides between equal priorities, from the next chain on. */
  async setOrder(names: readonly string[]): Promise<void> {
    const change = async (): Promise<void> => {
      const order = names.map((name) => this.#catalogue.resolve(name));
      if (new Set(order).size !== order.length) throw invalidArgument("a plugin is named twice in the order");
      await this.#switch.reorder(order, () => this.#keepOrder(order));
    };
    await this.#turns.take(
      names.map((name) => this.#keyOf(name)),
      change,
    );
  }

  #keepOrder(order: readonly string[]): Promise<void> {
    return this.#deps.orders.put("order", { order: [...order] });
  }

  /** The plugin's last lines, oldest first. */
  logLines(ref: string): readonly string[] {
    return this.#deps.logs.lines(this.#catalogue.resolve(ref));
  }

  followLog(ref: string, write: (line: string) => void): () => void {
    return this.#deps.logs.follow(this.#catalogue.resolve(ref), write);
  }

  /** What is done is not undone by files that cannot be removed: nothing points to them any more. */
  async #removeFolder(name: string, directory: string): Promise<void> {
    try {
      await removeTree(directory);
    } catch (error) {
      this.#deps.logs.logOf(name).warn(`${directory} is not used any more and could not be removed: ${messageChain(error)}`);
    }
  }

  /** The plugin is looked for when its turn has come: a change before may have removed it, or brought it in. */
  async #exclusivelyOn<T>(ref: string, work: (name: string) => Promise<T>): Promise<T> {
    for (;;) {
      const key = this.#keyOf(ref);
      const done = await this.#turns.take([key], async () => {
        const name = this.#catalogue.resolve(ref);
        return name === key ? { result: await work(name) } : undefined;
      });
      if (done !== undefined) return done.result;
    }
  }

  /** What a change waits its turn by, of a plugin that is not there yet, too. */
  #keyOf(ref: string): string {
    try {
      return this.#catalogue.resolve(ref);
    } catch {
      return ref.replace(/:latest$/, "");
    }
  }
}

/** The events that the same change has when it is asked for by itself. */
function eventOf(action: SetAction): string {
  return action === "replace" || action === "configure" || action === "move" ? "reload" : action;
}

/** Whoever sends a version decides about that one: the next reload looks again where the plugin came from. */
function placeAfterSending({ source, sent }: PluginPlace): PluginPlace {
  return source === undefined ? { sent: true } : { source, ...(sent && { sent }) };
}

function notInSafeMode(name: string): EngineError {
  return failedPrecondition(
    `plugin ${name} cannot be started: the daemon is in safe mode, in which no plugin is; start the daemon without --safe-mode`,
  );
}
