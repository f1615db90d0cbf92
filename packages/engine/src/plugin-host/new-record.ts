import type { UnpackedPlugin } from "./installed/plugin-package.ts";
import { grantNow, type GrantedPrivileges } from "./permissions/granted.ts";
import type { InstalledRecord, PluginPlace, PluginRecord } from "./plugin-record.ts";
import { withMode, type PluginMode } from "./shadow/plugin-mode.ts";

export interface InstallOptions {
  /** Default: true. */
  enable?: boolean;
  configuration?: Record<string, unknown>;
  /** Has to be the name in the package, where given. */
  name?: string;
  /** Where an archive that is sent came from, for a later reload. */
  origin?: string;
  /** What whoever installs it grants, besides what was granted to an earlier version. Default: nothing. */
  privileges?: GrantedPrivileges;
  /** Default: that of the version before, of a new one active. */
  mode?: PluginMode;
}

/** A package that was brought in, and what was said with it. */
export interface BroughtIn {
  unpacked: UnpackedPlugin;
  place: PluginPlace;
  options: InstallOptions;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What the daemon remembers of a package from now on: what is not said stays as it was. Throws `forbidden` for what was not granted. */
export function recordOf({ unpacked, place, options, now }: BroughtIn, old: PluginRecord | undefined): InstalledRecord {
  const { manifest, packageJson, directory, content } = unpacked;
  const granted = grantNow({ manifest, packageJson }, old, options.privileges ?? []);
  const configuration = options.configuration ?? old?.installed?.configuration;
  const installed = {
    packageJson,
    directory,
    installedAt: new Date(now()).toISOString(),
    content,
    ...place,
    ...(configuration === undefined ? {} : { configuration }),
    ...(manifest.permissions === undefined ? {} : { granted }),
  };
  const { enable: enabled = old?.enabled ?? true, mode = old?.mode ?? "active" } = options;
  return withMode({ name: manifest.name, enabled, installed }, mode);
}

/** Whoever sends a version decides about that one: the next reload looks again where the plugin came from. */
export function placeAfterSending({ source, sent }: PluginPlace): PluginPlace {
  return source === undefined ? { sent: true } : { source, ...(sent && { sent }) };
}
