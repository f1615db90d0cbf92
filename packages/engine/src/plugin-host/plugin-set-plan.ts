import type { PluginPrivilege } from "@pouchcontainer/api";
import { failedPrecondition, invalidArgument, isKind, notFound } from "@pouchcontainer/errors";
import { checkConfiguration, equalJson, type PluginSet, type WantedPlugin } from "@pouchcontainer/plugin-sdk/host";
import type { Collection } from "../store/index.ts";
import { refuseAgainstFlag, refuseReservedName } from "./flag-plugins.ts";
import { contentAt, unpackPlugin, type PackageRoom } from "./installed/plugin-package.ts";
import type { PackageFolders } from "./package-folders.ts";
import { grantNow, toBeGranted, type Asking } from "./permissions/granted.ts";
import { manifestOf, type PluginRecord } from "./plugin-record.ts";
import { withMode } from "./shadow/plugin-mode.ts";

type Installed = NonNullable<PluginRecord["installed"]>;

/** What becomes of a plugin. `move`: it comes from elsewhere now, and is the same. */
export type SetAction = "install" | "replace" | "configure" | "enable" | "disable" | "set-mode" | "move" | "remove";

/** One step from the plugins there are to those a set wants. */
export interface SetChange {
  name: string;
  action: SetAction;
  from: PluginRecord | undefined;
  to: PluginRecord | undefined;
  /** What it is granted for the first time, by its entry. */
  granted?: PluginPrivilege[];
}

export interface SetPlanDeps extends PackageRoom {
  records: Collection<PluginRecord>;
  folders: PackageFolders;
  isBuiltin: (name: string) => boolean;
  /** The settings a record's plugin would run with. */
  configurationOf: (record: PluginRecord) => unknown;
  now: () => number;
}

/** Finds what a set changes. Packages that are new or changed are brought in for it; whoever does not use a change takes its folder away. */
export class SetPlan {
  readonly #deps: SetPlanDeps;

  constructor(deps: SetPlanDeps) {
    this.#deps = deps;
  }

  /** What becomes of one that the set names; undefined where it is as it is wanted. What has to be fetched for it is until `fetching` aborts. */
  async changeOf(wanted: WantedPlugin, fetching?: AbortSignal): Promise<SetChange | undefined> {
    const { name } = wanted;
    const from = this.#deps.records.get(name);
    if (this.#deps.isBuiltin(name)) return this.#builtin(wanted, from);
    const to = await this.#installed(wanted, from, fetching);
    let added: PluginPrivilege[] = [];
    try {
      const manifest = manifestOf(to);
      const { installed } = to;
      const asking = { manifest, packageJson: installed.packageJson };
      added = toBeGranted(asking, from);
      const granted = grantedBy(wanted, asking, from);
      if (manifest.permissions !== undefined) installed.granted = granted;
      checkConfiguration(manifest, this.#deps.configurationOf(to));
    } catch (error) {
      await this.discard({ name, from, to });
      throw error;
    }
    const action = actionFor(from, to);
    if (action === undefined) return undefined;
    return { name, action, from, to, ...(added.length > 0 && { granted: added }) };
  }

  /** The same of one that is disabled and otherwise left as it is. */
  disabling({ name, enabled }: WantedPlugin): SetChange | undefined {
    const from = this.#deps.records.get(name);
    if (enabled || from?.enabled !== true) return undefined;
    return { name, action: "disable", from, to: { ...from, enabled } };
  }

  /** What becomes of those that a complete set does not name. */
  others({ complete, plugins }: PluginSet): SetChange[] {
    if (!complete) return [];
    const named = new Set(plugins.map(({ name }) => name));
    return [...this.#deps.records.values()]
      .filter(({ name, installed }) => installed !== undefined && !named.has(name) && !this.#deps.isBuiltin(name))
      .map((from) => ({ name: from.name, action: "remove", from, to: undefined }));
  }

  /** Takes away what was brought in for a change, unless that is in force. */
  async discard({ name, from, to }: Pick<SetChange, "name" | "from" | "to">): Promise<void> {
    const directory = to?.installed?.directory;
    if (directory !== undefined && directory !== from?.installed?.directory) await this.#deps.folders.release(name, directory);
  }

  #builtin(
    { name, source, version, configuration, enabled, mode = "active" }: WantedPlugin,
    from: PluginRecord | undefined,
  ): SetChange | undefined {
    if (source !== undefined || version !== undefined || configuration !== undefined)
      throw invalidArgument(
        `plugin ${name} is compiled into the daemon: a set may enable and disable it, and say its mode; its settings are in the daemon's folder of configurations`,
      );
    if (!enabled || mode === "shadow") refuseAgainstFlag(name);
    const to = withMode({ ...from, name, enabled }, mode);
    const isEnabled = from?.enabled ?? true;
    if (isEnabled !== enabled) return { name, action: enabled ? "enable" : "disable", from, to };
    return from?.mode === to.mode ? undefined : { name, action: "set-mode", from, to };
  }

  async #installed(
    wanted: WantedPlugin,
    from: PluginRecord | undefined,
    fetching: AbortSignal | undefined,
  ): Promise<PluginRecord & { installed: Installed }> {
    const { name, enabled, mode = "active", configuration } = wanted;
    const installed = (await this.#isThere(wanted, from)) ? from?.installed : await this.#broughtIn(wanted, from, fetching);
    if (installed === undefined)
      throw notFound(`plugin ${name} is neither installed nor compiled in, and its entry names no source`);
    const { configuration: _before, ...there } = comingFrom(installed, wanted.source);
    return withMode({ name, enabled, installed: { ...there, ...(configuration === undefined ? {} : { configuration }) } }, mode);
  }

  /** Whether what is installed is what the source has. What npm or a registry has under a name is looked at once: a version is another name. */
  async #isThere({ source }: WantedPlugin, from: PluginRecord | undefined): Promise<boolean> {
    if (source === undefined) return true;
    const installed = from?.installed;
    if (installed === undefined) return false;
    const content = await contentAt(source, this.#deps);
    return content === undefined ? installed.source === source : installed.content === content;
  }

  async #broughtIn(
    wanted: WantedPlugin,
    before: PluginRecord | undefined,
    fetching: AbortSignal | undefined,
  ): Promise<Installed> {
    const { name, source } = wanted;
    const admit = (words: Asking): void => {
      grantedBy(wanted, words, before);
    };
    if (source === undefined) throw notFound(`plugin ${name} has no source`);
    const from = { reference: source, ...(fetching && { pull: { signal: fetching } }) };
    const { packageJson, directory, content, place } = await unpackPlugin(from, this.#deps, admit).catch((error: unknown) => {
      if (fetching?.aborted === true && isKind(error, "cancelled")) throw fetching.reason;
      throw error;
    });
    return { packageJson, directory, content, installedAt: new Date(this.#deps.now()).toISOString(), ...place, source };
  }
}

/** What a package is granted by its entry; throws for one that is not what the entry wants, or asks for more. */
function grantedBy(wanted: WantedPlugin, asking: Asking, from: PluginRecord | undefined): PluginPrivilege[] {
  const { name, version } = asking.manifest;
  refuseReservedName(name);
  if (name !== wanted.name) throw invalidArgument(`${wanted.source} is plugin "${name}", its entry is named "${wanted.name}"`);
  if (wanted.version !== undefined && wanted.version !== version)
    throw failedPrecondition(`plugin ${name} is there in version ${version}, its entry wants ${wanted.version}`);
  return grantNow(asking, from, wanted.grantAllPermissions === true ? "all" : []);
}

/** The same from the place that is wanted: what is known of a place is not true of another. */
function comingFrom(installed: Installed, wanted: string | undefined): Installed {
  if (wanted === undefined || (wanted === installed.source && !installed.sent)) return installed;
  const { sent: _sent, digest: _digest, signature: _signature, ...rest } = installed;
  return { ...rest, source: wanted };
}

function actionFor(from: PluginRecord | undefined, to: PluginRecord): SetAction | undefined {
  if (from?.installed === undefined) return "install";
  if (from.installed.directory !== to.installed?.directory) return "replace";
  if (from.enabled !== to.enabled) return to.enabled ? "enable" : "disable";
  if (from.mode !== to.mode) return "set-mode";
  if (!equalJson(from.installed.configuration ?? null, to.installed.configuration ?? null)) return "configure";
  return from.installed.source === to.installed.source ? undefined : "move";
}
