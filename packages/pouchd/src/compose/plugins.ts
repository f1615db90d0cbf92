import { AssistantSupervisor, loadBuiltinPlugins, PluginHost, type BuiltinPlugin } from "@pouchcontainer/engine";
import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { compileBodyChecks } from "@pouchcontainer/plugin-sdk/host";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";

export interface Plugins {
  host: PluginHost;
  assistants: AssistantSupervisor;
}

/** The plugin host with every built-in plugin loaded and configured; nothing of theirs has run but their modules. */
export async function openPlugins(options: {
  configuration: Configuration;
  log: Log;
  environment: NodeJS.ProcessEnv;
  plugins: readonly BuiltinPlugin[];
  publish: (event: { type: string; action: string; id: string; attributes: Record<string, string> }) => void;
}): Promise<Plugins> {
  const { configuration, log, environment, publish } = options;
  const logOf = (plugin: string): Record<"debug" | "info" | "warn" | "error", (message: string) => void> => ({
    debug: (message) => log.debug(message, { plugin }),
    info: (message) => log.info(message, { plugin }),
    warn: (message) => log.warn(message, { plugin }),
    error: (message) => log.error(message, { plugin }),
  });
  const assistants = new AssistantSupervisor({ logOf, environment });
  const host = new PluginHost({
    checks: compileBodyChecks(),
    logOf,
    supervisorOf: (plugin) => assistants.forPlugin(plugin),
    stateDirectoryOf: (plugin) => stateDirectory(configuration, plugin),
    events: {
      publish: ({ action, plugin, attributes }) =>
        publish({ type: "plugin", action, id: plugin, attributes: { name: plugin, ...attributes } }),
    },
    order: configuration.plugin,
    onConflict: configuration["plugin-conflicts"] === "fail" ? "error" : "record",
  });
  await loadBuiltinPlugins({
    host,
    plugins: options.plugins,
    configurationOf: (plugin) => pluginConfiguration(configuration["plugin-config-dir"], plugin),
    environment,
  });
  return { host, assistants };
}

/** `@scope/name` has to be one path component. */
function fileNameOf(plugin: string): string {
  return plugin.replaceAll("/", "__");
}

function stateDirectory(configuration: Configuration, plugin: string): string {
  const directory = join(configuration["home-dir"], "plugins", "state", fileNameOf(plugin));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

function pluginConfiguration(directory: string, plugin: string): unknown {
  const file = join(directory, `${fileNameOf(plugin)}.json`);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw invalidArgument(`cannot read ${file}: ${messageChain(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalidArgument(`${file}, the configuration of plugin "${plugin}", is not valid JSON: ${messageChain(error)}`, {
      cause: error,
    });
  }
}
