import { makeFoldersSync } from "@pouchcontainer/owners";
import { parseStrictJson, type HandlerSpec } from "@pouchcontainer/api";
import {
  AssistantSupervisor,
  decodeUpdate,
  InstalledPlugin,
  isMadeOfFlag,
  loadBuiltinPlugins,
  metricsHandler,
  OtlpSpans,
  otlpEndpointOf,
  pluginAdminRoutes,
  PluginGroups,
  PluginArtifacts,
  PluginHost,
  PluginJournal,
  PluginLogs,
  PluginManager,
  PluginMetrics,
  readLimited,
  SignaturePolicy,
  StateFolders,
  validatorName,
  validatorPlugin,
  validatorRules,
  type BuiltinPlugin,
  type CanaryRecord,
  type PluginOrderRecord,
  type PluginRecord,
  type RegistrySettings,
  type SignatureSettings,
  type Store,
  type Verifiers,
} from "@pouchcontainer/engine";
import { cutText, EngineError, invalidArgument, messageChain } from "@pouchcontainer/errors";
import type { NamingDefaults } from "@pouchcontainer/oci";
import type { PluginPermissions, Supervisor } from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks, parsePermissions, type PluginSet } from "@pouchcontainer/plugin-sdk/host";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";
import { pluginChildCommand } from "../plugin-child-command.ts";
import { openWithSet } from "./plugin-set.ts";
import type { Starting } from "./starting.ts";
import { trueFolder } from "./true-folder.ts";

export interface Plugins {
  host: PluginHost;
  manager: PluginManager;
  assistants: AssistantSupervisor;
  /** The operator's own routes, and `/metrics`. */
  routes: HandlerSpec[];
  /** `daemon.preStartHook` of every plugin. */
  begin(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Events are kept by the hundred, and go to whoever listens. */
const maxAttributeBytes = 1024;

/** The plugin framework: built-in plugins loaded and configured, installed ones started; no point of theirs was called yet. */
export async function openPlugins(options: {
  configuration: Configuration;
  log: Log;
  environment: NodeJS.ProcessEnv;
  store: Store;
  cgroupDriver: "cgroupfs" | "systemd";
  plugins: readonly BuiltinPlugin[];
  publish: (event: { type: string; action: string; id: string; attributes: Record<string, string> }) => void;
  rebuildRoutes: () => Promise<void>;
  set: PluginSet | undefined;
  starting: Starting;
  registries: RegistrySettings;
  naming: NamingDefaults;
  signatures: SignatureSettings;
  version: string;
  /** The engine's own checks of what plugins make of a body. */
  verifiers: Verifiers;
  /** What else `/metrics` has to say. */
  metrics: readonly { text(): string }[];
}): Promise<Plugins> {
  const { configuration, log, environment, store, starting, registries, naming } = options;
  const logs = new PluginLogs({
    logOf: (plugin) => ({
      debug: (message) => log.debug(message, { plugin }),
      info: (message) => log.info(message, { plugin }),
      warn: (message) => log.warn(message, { plugin }),
      error: (message) => log.error(message, { plugin }),
    }),
  });
  const publish = ({
    action,
    plugin,
    attributes,
  }: {
    action: string;
    plugin: string;
    attributes: Record<string, string>;
  }): void => {
    const told = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, cutText(value, maxAttributeBytes)]));
    options.publish({ type: "plugin", action, id: plugin, attributes: { name: plugin, ...told } });
  };
  const assistants = new AssistantSupervisor({ logOf: logs.logOf, environment });
  const supervisorOf = (plugin: string, instance: unknown): Supervisor =>
    assistants.forPlugin(plugin, instance instanceof InstalledPlugin ? instance.confinement : undefined);
  const checks = compileBodyChecks();
  const metrics = new PluginMetrics();
  const endpoint = otlpEndpointOf(environment);
  const spans =
    endpoint === undefined
      ? undefined
      : new OtlpSpans({ endpoint, serviceVersion: options.version, warn: (message) => log.warn(message) });
  const rules = validatorRules(configuration.validator);
  // Where it cannot be called nobody is to have what it rules out.
  const validators = configuration.validator.length === 0 ? [] : [validatorPlugin(rules)];
  const mandatory = [...configuration["mandatory-plugin"], ...(validators.length === 0 ? [] : [validatorName])];
  const journal = await PluginJournal.open({
    directory: join(configuration["home-dir"], "plugins", "journal"),
    bytes: configuration["plugin-journal-size"],
    secrets: configuration["plugin-journal-secrets"] === "omit" ? "omit" : "mask",
    warn: (message) => log.warn(message),
  });
  const states = new StateFolders({ parent: join(configuration["home-dir"], "plugins", "state"), logOf: logs.logOf });
  const host = new PluginHost({
    checks,
    decodeUpdate,
    verifiers: options.verifiers,
    mandatory,
    refuseHooks: rules.hostHooks,
    refusePrivilegedExecs: rules.privileged,
    answerBounds: {
      bytes: configuration["plugin-answer-bytes"],
      values: configuration["plugin-answer-values"],
      depth: configuration["plugin-answer-depth"],
    },
    logOf: logs.logOf,
    supervisorOf,
    stateDirectoryOf: (plugin) => states.of(plugin),
    events: { publish },
    observers: spans ? [metrics, spans] : [metrics],
    journal,
    order: configuration.plugin,
    onConflict: configuration["plugin-conflicts"] === "fail" ? "error" : "record",
  });
  const configurationOf = (plugin: string): unknown => pluginConfiguration(configuration["plugin-config-dir"], plugin);
  const narrowedBy = (plugin: string): PluginPermissions | undefined =>
    permissionsLeft(configuration["plugin-config-dir"], plugin);
  const safeMode = configuration["safe-mode"];
  const records = store.collection<PluginRecord>("plugins");
  const disabled = (plugin: string): boolean => !isMadeOfFlag(plugin) && records.get(plugin)?.enabled === false;
  await starting.orLeave("compiled-in plugins", () =>
    loadBuiltinPlugins({
      host,
      plugins: [...options.plugins, ...validators],
      configurationOf,
      narrowedBy,
      environment,
      mayFail: safeMode ? () => true : disabled,
    }),
  );

  let begun = false;
  const runtimeDirectory = join(configuration["exec-root-dir"], "plugins");
  makeFoldersSync(runtimeDirectory, 0o700);
  const groups = new PluginGroups({
    mountInfo: () => readFileSync("/proc/self/mountinfo", "utf8"),
    cgroupDriver: options.cgroupDriver,
    cgroupParent: configuration["cgroup-parent"],
    home: trueFolder(configuration["home-dir"]),
    warn: (message) => log.warn(message),
  });
  const manager = new PluginManager({
    host,
    logs,
    records,
    orders: store.collection<PluginOrderRecord>("plugin-order"),
    canaries: store.collection<CanaryRecord>("plugin-canaries"),
    directory: join(configuration["home-dir"], "plugins", "installed"),
    states,
    artifacts: new PluginArtifacts({ registries, naming, signatures: new SignaturePolicy(options.signatures) }),
    journal,
    runtimeDirectory,
    childCommand: pluginChildCommand,
    environment,
    configurationOf,
    narrowedBy,
    confine: { groups, hidden: [configuration["home-dir"], configuration["exec-root-dir"]] },
    stopAssistants: (plugin) => assistants.stopPlugin(plugin),
    rebuildRoutes: options.rebuildRoutes,
    publish,
    daemonBegun: () => begun,
    calledOff: starting.calledOff,
    safeMode,
  });
  const close = async (): Promise<void> => {
    await manager.close();
    await journal?.flushed();
    await spans?.close();
  };
  try {
    await openWithSet(manager, { set: options.set, timeoutSeconds: configuration["plugin-set-timeout"], starting, log });
  } catch (error) {
    await close();
    throw error;
  }
  if (safeMode) await warnOfSafeMode(manager, log);
  const { missing } = host.mandatory;
  if (missing.length > 0)
    log.warn("no container is created until these mandatory plugins are installed, enabled and active", { plugins: missing });
  return {
    host,
    manager,
    assistants,
    routes: [...pluginAdminRoutes({ host, manager, checks }), metricsHandler(metrics, ...options.metrics)],
    begin: async (signal) => {
      await orSafeMode(() => host.preStartHook({ signal }));
      begun = true;
    },
    close,
  };
}

async function warnOfSafeMode(manager: PluginManager, log: Log): Promise<void> {
  const enabled = await manager.list({ enabled: ["true"] });
  const heldBack = enabled.flatMap(({ Name }) => (isMadeOfFlag(Name) ? [] : [Name]));
  log.warn(
    "safe mode: no plugin is started or called; disable, remove or replace the one that keeps the daemon down, and start without --safe-mode",
    { plugins: heldBack },
  );
}

/** What a plugin makes of the daemon's start; a failure says how the daemon is started without it. */
export async function orSafeMode(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { kind, message, details } = EngineError.from(error);
    const way =
      "--safe-mode starts the daemon without plugins, so that this one can be disabled, removed or replaced; while it is down, `pouchd plugin disable NAME` does the first";
    throw new EngineError(kind, `${message}; ${way}`, { cause: error, details });
  }
}

/** `@scope/name` has to be one path component. */
function fileNameOf(plugin: string): string {
  return plugin.replaceAll("/", "__");
}

function pluginConfiguration(directory: string, plugin: string): unknown {
  return readJsonFile(join(directory, `${fileNameOf(plugin)}.json`), `the configuration of plugin "${plugin}"`);
}

/** What the operator's own file leaves of a plugin's permissions. */
function permissionsLeft(directory: string, plugin: string): PluginPermissions | undefined {
  const file = join(directory, "permissions", `${fileNameOf(plugin)}.json`);
  const called = `the permissions of plugin "${plugin}"`;
  const value = readJsonFile(file, called);
  return value === undefined ? undefined : parsePermissions(value, `${file}, ${called}`);
}

/** Undefined where there is none. */
function readJsonFile(file: string, called: string): unknown {
  let text: string;
  try {
    text = readLimited(file);
  } catch (error) {
    // What it would say may be less than nothing says: a link that leads nowhere is not taken for no file.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && lstatSync(file, { throwIfNoEntry: false }) === undefined)
      return undefined;
    throw invalidArgument(`cannot read ${file}, ${called}: ${messageChain(error)}`, { cause: error });
  }
  try {
    return parseStrictJson(text);
  } catch (error) {
    throw invalidArgument(`${file}, ${called}, is not valid JSON: ${messageChain(error)}`, { cause: error });
  }
}
