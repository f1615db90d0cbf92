import type { PluginPrivilege } from "@pouchcontainer/api";
import { EngineError, messageChain } from "@pouchcontainer/errors";
import type { Digest } from "@pouchcontainer/oci";
import { pointNames, type PluginManifest, type PointName, type ResolvedPoint } from "@pouchcontainer/plugin-sdk";
import { defaultTimeoutMs, isObject, parseManifest, type PluginOrigin } from "@pouchcontainer/plugin-sdk/host";
import { isPolicy } from "./policies/index.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";

/** Where an installed plugin comes from. */
export interface PluginPlace {
  /**
   * Folder, archive, registry's reference or npm package to look at again at a reload; of one that was sent, where its sender had it, if that
   * was said.
   */
  source?: string;
  /** The package was sent: what is at that place on this host is another's. */
  sent?: true;
  /** What the reference stood for: the digest of the manifest that was pulled. */
  digest?: Digest;
  /** Who had signed that, or why no signature counted, in words; absent where none was looked for. */
  signature?: string;
}

/** What the daemon remembers of a plugin across restarts. */
export interface PluginRecord {
  name: string;
  enabled: boolean;
  /** Default: active. */
  mode?: PluginMode;
  /** Of an installed plugin; a built-in one is in the binary. */
  installed?: PluginPlace & {
    /** The package.json the plugin was installed with. */
    packageJson: unknown;
    directory: string;
    /** Digest of the package's own files; of one that an earlier version took in, none. */
    content?: string;
    configuration?: Record<string, unknown>;
    /** What it asks for, all of which was granted. Without it: it asks for nothing by name, and may do all. */
    granted?: PluginPrivilege[];
    installedAt: string;
  };
}

/** Of a plugin that is not built in. */
export type InstalledRecord = PluginRecord & Required<Pick<PluginRecord, "installed">>;

/** The one record that is not a plugin's. */
export interface PluginOrderRecord {
  order: string[];
}

/** Where the code of a plugin that is not built in runs, if it has any. */
export function originOf({ installed }: PluginRecord): PluginOrigin {
  return isPolicy(installed?.packageJson) ? "policy" : "installed";
}

/** What the package of an installed plugin says of itself. */
export function manifestOf(record: PluginRecord): PluginManifest {
  if (record.installed === undefined) throw new EngineError("internal", `plugin ${record.name} has no manifest on record`);
  return parseManifest(record.installed.packageJson);
}

/**
 * The same for a daemon that may refuse the manifest, being another one than took it in: then, with what is wrong, as much of it as tells
 * which calls must not quietly run without the plugin. Its filters are left out, so that none is missed.
 */
export function legibleManifestOf(record: PluginRecord): { manifest: PluginManifest; problem?: string } {
  try {
    return { manifest: manifestOf(record) };
  } catch (error) {
    return { manifest: remains(record), problem: messageChain(error) };
  }
}

function remains(record: PluginRecord): PluginManifest {
  const packageJson = objectOf(record.installed?.packageJson);
  const pouch = objectOf(packageJson["pouch"]);
  const listed = pouch["points"];
  const settings = objectOf(listed);
  const points: Partial<Record<PointName, ResolvedPoint>> = {};
  for (const point of pointNames) {
    if (Array.isArray(listed) ? !listed.includes(point) : !Object.hasOwn(settings, point)) continue;
    const policy = objectOf(settings[point])["failurePolicy"] ?? pouch["failurePolicy"];
    points[point] = {
      priority: 0,
      timeoutMs: defaultTimeoutMs(point),
      failurePolicy: policy === "ignore" ? "ignore" : "fail",
      filters: {},
      onConflict: "record",
    };
  }
  const { version } = packageJson;
  return {
    name: record.name,
    version: typeof version === "string" ? version : "unknown",
    description: "",
    api: "",
    points,
    configuration: {},
    environment: [],
    main: "",
    memoryLimitMb: 0,
    pidsLimit: 0,
  };
}

function objectOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}
