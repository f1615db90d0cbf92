import { messageChain } from "@pouchcontainer/errors";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import { basename } from "node:path";
import { removeTree } from "../remove-tree.ts";
import type { Collection } from "../store/index.ts";
import { packageFolders } from "./installed/plugin-package.ts";
import type { PluginRecord } from "./plugin-record.ts";

export interface PackageFoldersDeps {
  records: Collection<PluginRecord>;
  logOf: (plugin: string) => PluginLog;
}

/**
 * The folders that packages were brought into. Whatever fails or is undone, none goes that a record names: its plugin runs from there, now or
 * next. One that is held goes when it is held no longer.
 */
export class PackageFolders {
  readonly #deps: PackageFoldersDeps;
  /** By name; `left` is the plugin that would have had it taken away meanwhile. */
  readonly #held = new Map<string, { holders: number; left: string | undefined }>();

  constructor(deps: PackageFoldersDeps) {
    this.#deps = deps;
  }

  /** Takes a folder away that a change has left, or was not made with; one that a record names stays. */
  async release(plugin: string, directory: string): Promise<void> {
    const held = this.#held.get(basename(directory));
    if (held !== undefined) held.left = plugin;
    else if (!this.#named.has(basename(directory))) await this.#remove(plugin, directory);
  }

  /** Keeps a folder, whatever becomes of its plugin, until what is returned is called. */
  hold(directory: string): () => Promise<void> {
    const name = basename(directory);
    const held = this.#held.get(name) ?? { holders: 0, left: undefined };
    this.#held.set(name, held);
    held.holders += 1;
    return async () => {
      held.holders -= 1;
      if (held.holders > 0) return;
      this.#held.delete(name);
      if (held.left !== undefined) await this.release(held.left, directory);
    };
  }

  /** What a daemon that was killed had brought in and not kept yet, or had not taken away yet. The store has taken in by now what it had lost. */
  async sweep(parent: string): Promise<void> {
    const named = this.#named;
    for (const folder of await packageFolders(parent))
      if (!named.has(basename(folder))) await this.#remove(basename(folder), folder);
  }

  /** Names are made up, each once: a home may be known by another path now. */
  get #named(): ReadonlySet<string> {
    return new Set(
      [...this.#deps.records.values()].flatMap(({ installed }) => (installed ? [basename(installed.directory)] : [])),
    );
  }

  /** What is done is not undone by files that cannot be removed: nothing points to them any more. */
  async #remove(owner: string, directory: string): Promise<void> {
    try {
      await removeTree(directory);
    } catch (error) {
      this.#deps.logOf(owner).warn(`${directory} is not used any more and could not be removed: ${messageChain(error)}`);
    }
  }
}
