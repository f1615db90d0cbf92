import { privilegesText, readLimited, type PluginManager } from "@pouchcontainer/engine";
import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { parsePluginSet, type PluginSet } from "@pouchcontainer/plugin-sdk/host";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";

/** The plugins that the configuration wants; none in safe mode, which leaves all as it is. A broken file ends the start. */
export function readPluginSet(configuration: Configuration): PluginSet | undefined {
  const file = configuration["plugin-set"];
  if (file === undefined || configuration["safe-mode"]) return undefined;
  let text: string;
  try {
    text = readLimited(file);
  } catch (error) {
    throw invalidArgument(`--plugin-set: ${file} cannot be read: ${messageChain(error)}`, { cause: error });
  }
  return parsePluginSet(text, file);
}

/** Takes up the plugins there are, and brings them to what the set says; what cannot be is told, and stays as it was. */
export async function openWithSet(manager: PluginManager, set: PluginSet | undefined, log: Log): Promise<void> {
  const unwanted = set?.plugins.filter(({ enabled }) => !enabled) ?? [];
  await manager.open(new Set(unwanted.map(({ name }) => name)));
  if (set === undefined) return;
  const { changed, failed } = await manager.sets.applyEach(set);
  for (const { name, action, granted } of changed)
    log.info("a plugin is as the set of plugins wants it now", {
      plugin: name,
      action,
      ...(granted && { granted: privilegesText(granted) }),
    });
  for (const { name, error } of failed)
    log.error("a plugin cannot be as the set of plugins wants it, and stays as it was", { plugin: name, error: error.message });
}
