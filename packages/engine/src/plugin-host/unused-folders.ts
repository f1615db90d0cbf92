import { messageChain } from "@pouchcontainer/errors";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import { basename } from "node:path";
import { removeTree } from "../remove-tree.ts";
import { packageFolders } from "./installed/plugin-package.ts";
import type { PluginRecord } from "./plugin-record.ts";

/** What is done is not undone by files that cannot be removed: nothing points to them any more. */
export async function removeUnused(directory: string, log: PluginLog): Promise<void> {
  try {
    await removeTree(directory);
  } catch (error) {
    log.warn(`${directory} is not used any more and could not be removed: ${messageChain(error)}`);
  }
}

/** What a daemon that was killed had brought in and not kept yet, or had not taken away yet. The store has taken in by now what it had lost. */
export async function removeLost(
  directory: string,
  records: Iterable<PluginRecord>,
  logOf: (folder: string) => PluginLog,
): Promise<void> {
  // Names are made up, each once: a home may be known by another path now.
  const kept = new Set([...records].flatMap(({ installed }) => (installed ? [basename(installed.directory)] : [])));
  for (const folder of await packageFolders(directory))
    if (!kept.has(basename(folder))) await removeUnused(folder, logOf(basename(folder)));
}
