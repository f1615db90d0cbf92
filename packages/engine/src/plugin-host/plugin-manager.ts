import type { Plugin, PluginPermissionsReport, PluginPrivilege, PluginPrivileges, PluginSetFile } from "@pouchcontainer/api";
import { conflict, type EngineError, failedPrecondition, invalidArgument } from "@pouchcontainer/errors";
import { checkConfiguration, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import type { ProgressSink } from "../registry/progress.ts";
import type { Collection } from "../store/index.ts";
import { pullOf, pullSource, type PluginPullRequest } from "./artifact/pull-request.ts";
import type { PluginArtifacts, PullOptions } from "./artifact/plugin-artifacts.ts";
import { pushInstalled, type PluginPushRequest } from "./artifact/push-installed.ts";
import { Canaries, type CanaryRecord } from "./canary/canaries.ts";
import type { CanaryOptions } from "./canary/canary-options.ts";
import { isMadeOfFlag, refuseAgainstFlag, refuseReservedName } from "./flag-plugins.ts";
import type { PackageSource, PluginWords, UnpackedPlugin } from "./installed/plugin-package.ts";
import { takeUpLastRun } from "./last-run.ts";
import { LeavingVersions } from "./leaving-versions.ts";
import { managedSets } from "./managed-sets.ts";
import { placeAfterSending, recordOf, type InstallOptions } from "./new-record.ts";
import { grantNow, warningOf, type GrantedPrivileges } from "./permissions/granted.ts";
import { PackageFolders } from "./package-folders.ts";
import { privilegesAt } from "./permissions/privileges-at.ts";
import { PluginCatalogue } from "./plugin-catalogue.ts";
import { PluginOrder } from "./plugin-order.ts";
import type { InstalledRecord, PluginOrderRecord, PluginPlace, PluginRecord } from "./plugin-record.ts";
import { exportedSet } from "./plugin-set-export.ts";
import type { PluginSets } from "./plugin-sets.ts";
import { withMode, type PluginMode } from "./shadow/plugin-mode.ts";
import { PluginTurns } from "./plugin-turns.ts";
import type { PluginJournal } from "./journal/plugin-journal.ts";
import { PluginReplays, type ReplayRequest, type TellReplay } from "./replay/plugin-replays.ts";
import { PluginSwitch, type PluginSwitchDeps } from "./plugin-switch.ts";
import type { StateFolders } from "./state-folders.ts";
import { withPackage } from "./with-package.ts";

export interface PluginManagerDeps extends Omit<PluginSwitchDeps, "builtin" | "withTable" | "endCanary" | "leaving"> {
  records: Collection<PluginRecord>;
  orders: Collection<PluginOrderRecord>;
  /** New versions that are tried, of which a daemon that starts tells. */
  canaries: Collection<CanaryRecord>;
  /** Where installed plugins live; survives restarts. */
  directory: string;
  /** Their own, which goes when one is removed. */
  states: StateFolders;
  /** Plugins in registries, and whose signatures count. */
  artifacts: PluginArtifacts;
  /** Calls that can be made again. Default: none are kept. */
  journal?: PluginJournal | undefined;
  publish: (event: { action: string; plugin: string; attributes: Record<string, string> }) => void;
  now?: () => number;
  /** Which calls canaries take: from 0 to below 1. Default: Math.random. */
  random?: () => number;
}

/**
 * The operator's side: which plugins there are, and what becomes of them while the daemon runs. Changes of one plugin happen one after the
 * other, and wait for no other plugin's; what all of them share, the chains and the route table, each has for a moment.
 */
export class PluginManager {
  readonly #deps: PluginManagerDeps;
  /** Instances of built-in plugins, which are kept while they are disabled. */
  readonly #builtin = new Map<string, PluginInstance>();
  /** New versions that take a share of the calls. */
  readonly canaries: Canaries;
  readonly #catalogue: PluginCatalogue;
  readonly #switch: PluginSwitch;
  readonly #turns: PluginTurns;
  readonly #folders: PackageFolders;
  readonly #order: PluginOrder;
  readonly #replays: PluginReplays;

  constructor(deps: PluginManagerDeps) {
    this.#deps = deps;
    for (const slot of deps.host.registry.slots()) if (slot.instance !== undefined) this.#builtin.set(slot.name, slot.instance);
    const { host, records, now = Date.now, safeMode = false } = deps;
    this.#folders = new PackageFolders({ records, logOf: deps.logs.logOf });
    const leaving = new LeavingVersions(now);
    this.#catalogue = new PluginCatalogue({
      host,
      records,
      builtin: this.#builtin,
      leaving,
      tried: (name) => this.canaries.tried(name),
      safeMode,
    });
    this.#turns = new PluginTurns((ref) => this.#catalogue.resolve(ref));
    this.#switch = new PluginSwitch({
      ...deps,
      builtin: this.#builtin,
      leaving,
      withTable: (work) => this.#turns.withTable(work),
      endCanary: (name, reason, hurry) => this.canaries.end(name, reason, hurry),
    });
    this.canaries = new Canaries({
      ...deps,
      registry: host.registry,
      leaving,
      now,
      random: deps.random ?? Math.random,
      logOf: deps.logs.logOf,
      start: (record) => this.#switch.start(record),
      replace: (record, keep, started) => this.#switch.replace(record, keep, started),
      exclusively: (ref, work) => this.#turns.takeOn(ref, work),
      describe: (name) => this.#catalogue.describe(name),
      removeFolder: (name, directory) => this.#folders.release(name, directory),
    });
    this.#order = new PluginOrder({ ...deps, turns: this.#turns, switch: this.#switch });
    this.#replays = new PluginReplays({ ...deps, folders: this.#folders });
  }

  /**
   * Takes up the plugins of the last run, but those that are `heldBack`. One that does not start is reported, and fails its calls until it is
   * reloaded or disabled.
   */
  async open(heldBack: ReadonlySet<string> = new Set()): Promise<void> {
    const start = (record: PluginRecord): Promise<PluginInstance> => this.#switch.start(record);
    await this.canaries.sweep();
    await takeUpLastRun({ ...this.#deps, folders: this.#folders, builtin: this.#builtin, start }, heldBack);
  }

  /** Ends every plugin's process. Records stay as they are. */
  async close(): Promise<void> {
    await this.#replays.close();
    await this.#turns.close();
    this.#switch.close();
    await this.canaries.close();
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
    return privilegesAt(source, this.#deps);
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
    const admit = (words: PluginWords): void => this.#admit(words, options);
    return withPackage(source, { ...this.#deps, folders: this.#folders, turns: this.#turns, admit }, async (unpacked) => {
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
      this.#turns.takeOn(ref, async (name) => {
        if (this.#builtin.has(name))
          throw failedPrecondition(`plugin ${name} is compiled into the daemon: push it from its package, installed somewhere`);
        return pack(this.#installed(name).installed);
      }),
    );
  }

  /** Runs a plugin, or another version of it, over calls that were recorded; nothing comes of it but what is told. */
  async replay(ref: string, request: ReplayRequest, tell: TellReplay, gone: AbortSignal): Promise<void> {
    const name = this.#catalogue.resolve(ref);
    if (this.#deps.safeMode === true) throw notInSafeMode(name);
    const subject = { name, builtin: this.#builtin.get(name), record: this.#deps.records.get(name) };
    await this.#replays.run(subject, request, tell, gone);
  }

  async #take(unpacked: UnpackedPlugin, place: PluginPlace, options: InstallOptions): Promise<void> {
    const { records } = this.#deps;
    const { name } = unpacked.manifest;
    const old = records.get(name);
    const record = this.#recordOf(unpacked, place, options);
    await this.#switch.become(name, record, () => records.put(name, record));
    if (old?.installed !== undefined) await this.#folders.release(name, old.installed.directory);
  }

  /** What a package would be on record. Throws where it may not be brought in so. */
  #recordOf(unpacked: UnpackedPlugin, place: PluginPlace, options: InstallOptions): InstalledRecord {
    const { records, now = Date.now } = this.#deps;
    this.#admit(unpacked, options);
    const record = recordOf({ unpacked, place, options, now }, records.get(unpacked.manifest.name));
    checkConfiguration(unpacked.manifest, this.#switch.configurationOf(record));
    return record;
  }

  /** Throws for a package that may not be brought in so, by what it says of itself. */
  #admit({ manifest, packageJson }: PluginWords, options: InstallOptions): void {
    const { name } = manifest;
    if (options.name !== undefined && options.name !== name) {
      throw invalidArgument(
        `the package is plugin "${name}"; another name for it is not possible, because manifests and traces speak of "${name}"`,
      );
    }
    refuseReservedName(name);
    if (this.#builtin.has(name)) throw conflict(`a plugin named "${name}" is compiled into the daemon`);
    grantNow({ manifest, packageJson }, this.#deps.records.get(name), options.privileges ?? []);
  }

  /** Sets of plugins, brought about as other changes are. */
  get sets(): PluginSets {
    return managedSets({
      ...this.#deps,
      folders: this.#folders,
      isBuiltin: (name) => this.#builtin.has(name),
      turns: this.#turns,
      switch: this.#switch,
      order: this.#order,
    });
  }

  /** The plugins there are, as a set that `sets` would bring about. */
  exportSet(): PluginSetFile {
    const builtin = [...this.#builtin.keys()]
      .filter((name) => !isMadeOfFlag(name))
      .map((name) => withMode({ name, enabled: this.#catalogue.isEnabled(name) }, this.#catalogue.modeOf(name)));
    return exportedSet([...this.#deps.records.values()], builtin, this.order);
  }

  /** Calls it from now on. */
  async enable(ref: string, options: { timeoutSeconds?: number } = {}): Promise<void> {
    await this.#turns.takeOn(ref, async (name) => {
      if (this.#catalogue.isEnabled(name)) throw failedPrecondition(`plugin ${name} is already enabled`);
      if (this.#deps.safeMode === true) throw notInSafeMode(name);
      const record = this.#deps.records.get(name) ?? { name, enabled: false };
      const keep = (): Promise<void> => this.#deps.records.put(name, { ...record, enabled: true });
      await this.#switch.bringIn(record, keep, { startTimeoutSeconds: options.timeoutSeconds });
      this.#deps.publish({ action: "enable", plugin: name, attributes: {} });
    });
  }

  /** Leaves it out of every chain; calls under way end in it, unless `force` gives them no time. */
  async disable(ref: string, options: { force: boolean } = { force: false }): Promise<void> {
    const hurried = options.force && this.#switch.hurry(this.#turns.keyOf(ref));
    await this.#turns.takeOn(ref, async (name) => {
      this.#refuseAgainstFlag(name);
      // What was hurried took it out, or did not bring it in.
      if (hurried && !this.#catalogue.isEnabled(name)) return;
      if (!this.#catalogue.isEnabled(name)) throw failedPrecondition(`plugin ${name} is already disabled`);
      await this.#deps.records.put(name, { ...(this.#deps.records.get(name) ?? { name }), enabled: false });
      if (this.#catalogue.isInChains(name)) await this.#switch.takeOut(name, options);
      this.#deps.publish({ action: "disable", plugin: name, attributes: {} });
    });
  }

  /** Lets what it does count from now on, or no longer. It is started anew, as what it began in the other mode ends. */
  async setMode(ref: string, mode: PluginMode): Promise<Plugin> {
    return this.#turns.takeOn(ref, async (name) => {
      this.#refuseAgainstFlag(name);
      if (this.#catalogue.modeOf(name) === mode) throw failedPrecondition(`plugin ${name} is already in ${mode} mode`);
      const { records, publish } = this.#deps;
      const record = withMode(records.get(name) ?? { name, enabled: true }, mode);
      await this.#switch.become(name, record, () => records.put(name, record));
      publish({ action: "set-mode", plugin: name, attributes: { mode } });
      return this.#catalogue.describe(name);
    });
  }

  async remove(ref: string, options: { force: boolean } = { force: false }): Promise<Plugin> {
    if (options.force) this.#switch.hurry(this.#turns.keyOf(ref));
    return this.#turns.takeOn(ref, async (name) => {
      this.#refuseAgainstFlag(name);
      if (this.#builtin.has(name))
        throw failedPrecondition(`plugin ${name} is compiled into the daemon: disable it, or build the daemon without it`);
      const described = this.#catalogue.describe(name);
      if (this.#catalogue.isEnabled(name) && !options.force)
        throw failedPrecondition(`plugin ${name} is enabled, disable it first or use force`);
      const record = this.#deps.records.get(name);
      await this.#deps.states.leaves(name);
      await this.#deps.records.delete(name);
      if (this.#catalogue.isInChains(name)) await this.#switch.takeOut(name, { force: true });
      await this.#deps.states.remove(name);
      if (record?.installed !== undefined) await this.#folders.release(name, record.installed.directory);
      this.#deps.logs.forget(name);
      this.#deps.publish({ action: "remove", plugin: name, attributes: {} });
      return described;
    });
  }

  /**
   * Starts a new version, checks it, swaps it in; calls in flight end in the old one. Without an archive the source it was installed
   * from is looked at again, as `pull` says where that is a registry; one that is compiled in stays as it is, with the settings and permissions
   * that the operator wants now. A version that fails leaves the old one as it is. With `canary` the
   * new version takes a share of the calls, and the old one the others.
   */
  async reload(
    ref: string,
    archive?: PackageSource,
    { privileges = [], pull = {}, canary }: { privileges?: GrantedPrivileges; pull?: PullOptions; canary?: CanaryOptions } = {},
  ): Promise<Plugin> {
    if (archive === undefined && canary === undefined && this.#builtin.has(this.#catalogue.resolve(ref)))
      return this.#turns.takeOn(ref, async (name) => {
        await this.#restart(this.#deps.records.get(name) ?? { name, enabled: true });
        return this.#reloaded(name);
      });
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
      if (canary !== undefined)
        throw failedPrecondition(
          `plugin ${wanted} was sent, and not said from where: a canary is a new version, so send that with the request`,
        );
      return this.#turns.takeOn(ref, async (name) => {
        await this.#restart(this.#installed(name));
        return this.#reloaded(name);
      });
    }
    const admit = (words: PluginWords): string => {
      const name = this.#catalogue.resolve(ref);
      if (words.manifest.name !== name) throw invalidArgument(`the package is plugin "${words.manifest.name}", not "${name}"`);
      this.#admit(words, { privileges });
      return name;
    };
    return withPackage(from, { ...this.#deps, folders: this.#folders, turns: this.#turns, admit }, async (unpacked) => {
      const name = admit(unpacked);
      const now = this.#installed(name).installed;
      if (archive === undefined && (now.source !== source || now.sent !== sent))
        throw conflict(`plugin ${name} was installed from elsewhere while it was brought in from ${source}: reload it again`);
      const place = archive === undefined ? unpacked.place : placeAfterSending(now);
      if (canary !== undefined) return this.canaries.begin(this.#recordOf(unpacked, place, { privileges }), canary);
      await this.#take(unpacked, place, { privileges });
      return this.#reloaded(name);
    });
  }

  /** One that an earlier daemon installed under such a name, where there is no flag, is as any other. */
  #refuseAgainstFlag(name: string): void {
    if (this.#builtin.has(name)) refuseAgainstFlag(name);
  }

  #installed(name: string): InstalledRecord {
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
    return this.#order.names;
  }

  /** Decides between equal priorities, from the next chain on. */
  async setOrder(names: readonly string[]): Promise<void> {
    await this.#order.set(names);
  }

  /** The plugin's last lines, oldest first. */
  logLines(ref: string): readonly string[] {
    return this.#deps.logs.lines(this.#catalogue.resolve(ref));
  }

  followLog(ref: string, write: (line: string) => void): () => void {
    return this.#deps.logs.follow(this.#catalogue.resolve(ref), write);
  }
}

function notInSafeMode(name: string): EngineError {
  return failedPrecondition(
    `plugin ${name} cannot be started: the daemon is in safe mode, in which no plugin is; start the daemon without --safe-mode`,
  );
}
