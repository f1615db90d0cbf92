import { privilegesText, readLimited, type PluginManager } from "@pouchcontainer/engine";
import { deadlineExceeded, invalidArgument, messageChain } from "@pouchcontainer/errors";
import { callAfter } from "@pouchcontainer/owners";
import { parsePluginSet, type PluginSet } from "@pouchcontainer/plugin-sdk/host";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";
import type { Starting } from "./starting.ts";

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
export async function openWithSet(
  manager: PluginManager,
  { set, timeoutSeconds, starting, log }: { set: PluginSet | undefined; timeoutSeconds: number; starting: Starting; log: Log },
): Promise<void> {
  const unwanted = set?.plugins.filter(({ enabled }) => !enabled) ?? [];
  await starting.until("the plugins of the last run", () => manager.open(new Set(unwanted.map(({ name }) => name))));
  if (set === undefined) return;
  const isOver = deadlineExceeded(
    `the ${timeoutSeconds} s are over that a start waits for what it fetches for its set of plugins (--plugin-set-timeout)`,
  );
  const fetching = new AbortController();
  const callOff = callAfter(timeoutSeconds * 1000, () => fetching.abort(isOver));
  const { changed, failed } = await manager.sets
    .applyEach(set, {
      fetching: fetching.signal,
      within: ({ name, source = "what is there" }, work) =>
        starting.until(`plugin "${name}" of the set, from ${source}; all that is fetched has ${timeoutSeconds} s`, work),
    })
    .finally(callOff);
  for (const { name, action, granted } of changed)
    log.info("a plugin is as the set of plugins wants it now", {
      plugin: name,
      action,
      ...(granted && { granted: privilegesText(granted) }),
    });
  for (const { name, error } of failed)
    log.error("a plugin cannot be as the set of plugins wants it, and stays as it was", { plugin: name, error: error.message });
}
