import { messageChain, unavailable } from "@pouchcontainer/errors";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { folderOfSlice, foldersAlong, placesWith } from "../../control-groups/control-groups.ts";
import { endAndRemoveGroups } from "../../control-groups/end-groups.ts";
import { makeGroups, removeGroups } from "../../control-groups/make-groups.ts";
import { PluginGroup, type PluginLimits } from "./plugin-group.ts";

export interface PluginGroupsDeps {
  mountInfo: () => string;
  cgroupDriver: "cgroupfs" | "systemd";
  cgroupParent: string;
  /** The daemon's, which no other daemon has at the same time: others may share the parent. */
  home: string;
  warn: (message: string) => void;
}

/** Control groups of a daemon's plugins: all below one group of its own, which is below its `--cgroup-parent`. */
export class PluginGroups {
  readonly #deps: PluginGroupsDeps;
  readonly #path: string;
  #isUsable: boolean | undefined;

  constructor(deps: PluginGroupsDeps) {
    this.#deps = deps;
    const { cgroupDriver, cgroupParent, home } = deps;
    const parent = cgroupDriver === "systemd" ? folderOfSlice(cgroupParent) : cgroupParent;
    this.#path = join("/", parent, `plugins-${createHash("sha256").update(home).digest("hex").slice(0, 12)}`);
  }

  /** Ends and removes what a daemon that was killed left; call it before the first plugin is started. */
  async sweep(): Promise<void> {
    const lost = this.#folders().filter((folder) => existsSync(folder));
    if (lost.length > 0) await endAndRemoveGroups(lost);
  }

  /** The group of one instance; undefined, and said once, where none can be made. */
  async make(plugin: string, limits: PluginLimits): Promise<PluginGroup | undefined> {
    if (this.#isUsable === false) return undefined;
    const name = `${plugin.replaceAll("/", "__")}-${randomBytes(4).toString("hex")}`;
    const folders = this.#folders().map((folder) => join(folder, name));
    const group = new PluginGroup(folders, plugin);
    try {
      if (folders.length === 0) throw unavailable("this machine has none");
      await makeGroups(this.#places().flatMap((place) => foldersAlong([place], join(this.#path, name))));
      await group.limit(limits);
      if (this.#isUsable === undefined) await group.tryOut();
      this.#isUsable = true;
      return group;
    } catch (error) {
      await this.#giveUp(group, error);
      return undefined;
    }
  }

  /** Ends what is in it, and removes it; the group of them all goes with the last one. */
  async remove(group: PluginGroup): Promise<void> {
    await group.remove();
    await removeGroups(this.#folders());
  }

  async #giveUp(group: PluginGroup, error: unknown): Promise<void> {
    this.#isUsable = false;
    await this.remove(group).catch(() => undefined);
    this.#deps.warn(
      `no control groups for plugins: memoryLimitMb counts the memory of a plugin's own process alone, pidsLimit nothing, and a process that hides may outlive its plugin; ${basename(this.#path)} cannot be made below --cgroup-parent: ${messageChain(error)}`,
    );
  }

  #places(): string[] {
    return placesWith(this.#deps.mountInfo(), ["memory", "pids"]);
  }

  #folders(): string[] {
    return this.#places().map((place) => join(place, this.#path));
  }
}
