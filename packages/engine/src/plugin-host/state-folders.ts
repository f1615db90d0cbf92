import { messageChain } from "@pouchcontainer/errors";
import { makeFolders, makeFoldersSync } from "@pouchcontainer/owners";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../remove-tree.ts";

export interface StateFoldersDeps {
  /** Where they are; survives restarts. */
  parent: string;
  logOf: (plugin: string) => PluginLog;
}

/** What begins so is an empty file: the folder named behind it goes. No plugin's name begins with a dot. */
const leaving = ".leaving-";

/** The folders of plugins' own state, one for a name: they go with the plugin, so that another of its name does not find them. */
export class StateFolders {
  readonly #deps: StateFoldersDeps;

  constructor(deps: StateFoldersDeps) {
    this.#deps = deps;
  }

  /** Makes it where there is none. */
  of(plugin: string): string {
    const directory = join(this.#deps.parent, folderOf(plugin));
    makeFoldersSync(directory, 0o700);
    return directory;
  }

  /**
   * Before a plugin goes off the record: what ends of it then may still use its state, and a daemon that is killed meanwhile takes the folder away
   * at its next start. Of a plugin that stays on record it says nothing.
   */
  async leaves(plugin: string): Promise<void> {
    try {
      await makeFolders(this.#deps.parent, 0o700);
      await writeFile(this.#note(plugin), "");
    } catch (error) {
      // On a full disk a plugin can be removed all the same.
      this.#deps.logOf(plugin).warn(`a daemon that is killed now would keep its state: ${messageChain(error)}`);
    }
  }

  /** What is done is not undone by files that cannot be removed. */
  async remove(plugin: string): Promise<void> {
    const directory = join(this.#deps.parent, folderOf(plugin));
    try {
      await removeTree(directory);
      await rm(this.#note(plugin), { force: true });
    } catch (error) {
      this.#deps.logOf(plugin).warn(`${directory} was its state and could not be removed: ${messageChain(error)}`);
    }
  }

  /** Takes away what a daemon that was killed was about to. `kept` are the plugins on record. */
  async sweep(kept: Iterable<string>): Promise<void> {
    const { parent } = this.#deps;
    const folders = new Set([...kept].map(folderOf));
    for (const note of await readdir(parent).catch(() => [])) {
      if (!note.startsWith(leaving)) continue;
      const folder = note.slice(leaving.length);
      if (folders.has(folder)) await rm(join(parent, note));
      else await this.remove(folder);
    }
  }

  #note(plugin: string): string {
    return join(this.#deps.parent, `${leaving}${folderOf(plugin)}`);
  }
}

/** `@scope/name` has to be one path component. */
function folderOf(plugin: string): string {
  return plugin.replaceAll("/", "__");
}
