import { EngineError, messageChain } from "@pouchcontainer/errors";
import type { PluginManifest, PluginPermissions } from "@pouchcontainer/plugin-sdk";
import {
  checkConfiguration,
  InProcessPlugin,
  parseManifest,
  readThrown,
  type PluginInstance,
  type PluginSettings,
} from "@pouchcontainer/plugin-sdk/host";
import { FailedPlugin } from "./failed-plugin.ts";
import type { PluginHost } from "./plugin-host.ts";

/** One plugin that was compiled into the daemon, as the build wrote it down. */
export interface BuiltinPlugin {
  /** The plugin's package.json: name, version, description, exports and the `pouch` section. */
  packageJson: unknown;
  /** Evaluates the plugin's module, which registers its points. */
  load: () => Promise<unknown>;
}

/** What the operator says of plugins, read when one is started. */
export interface OperatorSettings {
  /** Settings of a plugin; undefined when there are none. */
  configurationOf: (plugin: string) => unknown;
  environment: Readonly<Record<string, string | undefined>>;
  /** What is left of a plugin's permissions. Default: all. */
  narrowedBy?: (plugin: string) => PluginPermissions | undefined;
}

/**
 * Parses, configures and loads every built-in plugin and puts it into the host. The first mistake ends it: a daemon that lacks
 * a plugin somebody compiled in must not start. One that `mayFail`, since it is not called, is there as a failed one, so that it can be
 * disabled or stays so.
 */
export async function loadBuiltinPlugins(
  options: OperatorSettings & {
    host: PluginHost;
    plugins: readonly BuiltinPlugin[];
    /** Default: none. */
    mayFail?: (plugin: string) => boolean;
  },
): Promise<PluginManifest[]> {
  const manifests: PluginManifest[] = [];
  for (const plugin of options.plugins) {
    let manifest = parseManifest(plugin.packageJson);
    try {
      manifest = narrowed(manifest, options.narrowedBy);
      const load = (): unknown => options.host.enterModule(manifest.name)(plugin.load);
      options.host.add(await loaded(manifest, load, settingsOf(manifest, options)));
    } catch (error) {
      if (options.mayFail?.(manifest.name) !== true) throw error;
      options.host.add(new FailedPlugin(manifest, "built-in", messageChain(error)));
    }
    manifests.push(manifest);
  }
  return manifests;
}

/** The same code as the operator wants it now; one that failed to be loaded stays so. Throws for settings that are none. */
export function settledAnew(instance: PluginInstance, options: OperatorSettings): PluginInstance {
  if (!(instance instanceof InProcessPlugin)) return instance;
  const { narrowed: _before, ...own } = instance.manifest;
  const manifest = narrowed(own, options.narrowedBy);
  return instance.settledAnew(manifest, settingsOf(manifest, options));
}

function settingsOf(manifest: PluginManifest, { configurationOf, environment }: OperatorSettings): PluginSettings {
  return {
    configuration: checkConfiguration(manifest, configurationOf(manifest.name)),
    environment: allowedEnvironment(manifest, environment),
  };
}

async function loaded(manifest: PluginManifest, load: () => unknown, settings: PluginSettings): Promise<InProcessPlugin> {
  try {
    return await InProcessPlugin.load({ manifest, load, settings });
  } catch (thrown) {
    const error = readThrown(thrown);
    if (error instanceof EngineError) throw error;
    throw new EngineError("internal", `plugin "${manifest.name}" could not be loaded: ${messageChain(error)}`, { cause: error });
  }
}

/** With what the operator leaves of its permissions. */
export function narrowed(
  manifest: PluginManifest,
  narrowedBy?: (plugin: string) => PluginPermissions | undefined,
): PluginManifest {
  const left = narrowedBy?.(manifest.name);
  return left === undefined ? manifest : { ...manifest, narrowed: left };
}

/** The variables a plugin may read, of those that are set. */
export function allowedEnvironment(
  manifest: PluginManifest,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const allowed: Record<string, string> = {};
  for (const name of manifest.environment) {
    const value = environment[name];
    if (value !== undefined) allowed[name] = value;
  }
  return allowed;
}
