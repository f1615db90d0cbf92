import { EngineError } from "@pouchcontainer/errors";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";

/** What the daemon remembers of a plugin across restarts. */
export interface PluginRecord {
  name: string;
  enabled: boolean;
  /** Of an installed plugin; a built-in one is in the binary. */
  installed?: {
    /** The package.json the plugin was installed with. */
    packageJson: unknown;
    directory: string;
    /** Folder, archive or npm package to look at again at a reload; of one that was sent, where its sender had it, if that was said. */
    source?: string;
    /** The package was sent: what is at that place on this host is another's. */
    sent?: true;
    configuration?: Record<string, unknown>;
    installedAt: string;
  };
}

/** The one record that is not a plugin's. */
export interface PluginOrderRecord {
  order: string[];
}

/** What the package of an installed plugin says of itself. */
export function manifestOf(record: PluginRecord): PluginManifest {
  if (record.installed === undefined) throw new EngineError("internal", `plugin ${record.name} has no manifest on record`);
  return parseManifest(record.installed.packageJson);
}
