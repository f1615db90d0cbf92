import { failedPrecondition, notFound } from "@pouchcontainer/errors";
import { parseManifest, type PluginOrigin } from "@pouchcontainer/plugin-sdk/host";
import type { Collection } from "../store/index.ts";
import type { BuiltinPlugin } from "./builtin-plugins.ts";
import { legibleManifestOf, originOf, type PluginRecord } from "./plugin-record.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";

/** A plugin of a daemon that does not run. */
export interface StoredPlugin {
  name: string;
  version: string;
  origin: PluginOrigin;
  enabled: boolean;
  mode: PluginMode;
  points: string[];
}

export interface StoredPluginsDeps {
  records: Collection<PluginRecord>;
  /** Those compiled into this executable. */
  builtin: readonly Pick<BuiltinPlugin, "packageJson">[];
}

/** The plugins of a daemon that does not run, as its store has them: no code of theirs is loaded, whatever state it is in. */
export class StoredPlugins {
  readonly #records: Collection<PluginRecord>;
  readonly #builtin: StoredPluginsDeps["builtin"];

  constructor({ records, builtin }: StoredPluginsDeps) {
    this.#records = records;
    this.#builtin = builtin;
  }

  list(): StoredPlugin[] {
    const builtin = this.#builtin.map(({ packageJson }): StoredPlugin => {
      const { name, version, points } = parseManifest(packageJson);
      const { enabled = true, mode = "active" } = this.#records.get(name) ?? {};
      return { name, version, origin: "built-in", enabled, mode, points: Object.keys(points) };
    });
    const names = new Set(builtin.map(({ name }) => name));
    const installed = [...this.#records.values()]
      .filter((record) => record.installed !== undefined && !names.has(record.name))
      .map((record): StoredPlugin => {
        const { name, enabled, mode = "active" } = record;
        const { version, points } = legibleManifestOf(record).manifest;
        return { name, version, origin: originOf(record), enabled, mode, points: Object.keys(points) };
      });
    return [...builtin, ...installed].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Whether the daemon's next start calls it. */
  async setEnabled(name: string, enabled: boolean): Promise<void> {
    const plugins = this.list();
    const plugin = plugins.find((one) => one.name === name);
    if (plugin === undefined) {
      const there = plugins.map((one) => one.name).join(", ") || "none";
      throw notFound(`plugin "${name}" is neither installed nor compiled in (there are: ${there})`);
    }
    if (plugin.enabled === enabled) throw failedPrecondition(`plugin ${name} is already ${enabled ? "enabled" : "disabled"}`);
    await this.#records.put(name, { ...(this.#records.get(name) ?? { name }), enabled });
  }
}
