import type { PluginPermissions } from "./permissions.ts";
import type { PointName } from "./points.ts";

/** What to do when a plugin throws, times out or answers garbage. */
export type FailurePolicy = "fail" | "ignore";

/** What to do when a plugin sets a field to another value than a plugin before it did. */
export type ConflictPolicy = "record" | "error";

/**
 * Which calls concern a plugin; the daemon asks these before the plugin. All lists that are present have to match, and
 * within a list one entry is enough. `*` stands for any run of characters. A list that the point knows nothing about
 * (labels at a daemon point) is left out of account.
 */
export interface PluginFilters {
  /** `key` or `key=value`. */
  labels?: string[];
  /** Image references as the request has them. */
  images?: string[];
  /** `NAME` or `NAME=value` of environment variables. */
  env?: string[];
  /** `METHOD /path` of routes an api plugin is shown; others stay out of its table. */
  routes?: string[];
}

/** Settings of one point; what is absent is taken from the manifest's top level. */
export interface PointSettings {
  priority?: number;
  timeoutMs?: number;
  failurePolicy?: FailurePolicy;
  filters?: PluginFilters;
  onConflict?: ConflictPolicy;
}

/** The `pouch` section of a plugin's `package.json`. */
export interface PouchSection {
  /** Range of plugin API versions the plugin works with, as semver. Example: `^1.0.0`. */
  api: string;
  /** The points the plugin implements: a list, or a map from point to its settings. */
  points: PointName[] | Partial<Record<PointName, PointSettings>>;
  /** Bigger runs first. Default: 0. */
  priority?: number;
  filters?: PluginFilters;
  /** Default: `fail`. */
  failurePolicy?: FailurePolicy;
  /** Milliseconds per call. Default: 10000, at daemon points 60000. */
  timeoutMs?: number;
  /** Default: `record`. */
  onConflict?: ConflictPolicy;
  /** JSON Schema of the plugin's own configuration. Default: an empty object only. */
  configuration?: Record<string, unknown>;
  /** Names of the daemon's environment variables the plugin may read. Default: none. */
  environment?: string[];
  /** Program and arguments of a plugin in another language, relative to the package. Default: the package's main module. */
  command?: string[];
  /** Megabytes of memory an installed plugin may use, all its processes together. Default: 256. */
  memoryLimitMb?: number;
  /**
   * Processes and threads an installed plugin may have, all of them together. Default: 512; a plugin in JavaScript begins with about a
   * dozen threads.
   */
  pidsLimit?: number;
  /**
   * Whom an installed plugin's processes run as: `NAME` or `UID`, with `:GROUP` or `:GID` where it is not the user's own. Default: root.
   */
  user?: string;
  /**
   * Name of a group of plugins, of one author who trusts each of them with all that the others have, that share a process: those of them that
   * are made alike do. Of an installed plugin in JavaScript or TypeScript. Default: a process of its own.
   */
  sharedProcess?: string;
  /** What it asks to be allowed. Default: all that its points let it do, and the network, which whoever installs it is warned of. */
  permissions?: PluginPermissions;
}

/** A plugin's manifest: the package's name and version, and its `pouch` section with every default filled in. */
export interface PluginManifest {
  name: string;
  version: string;
  description: string;
  /** Range of plugin API versions. */
  api: string;
  /** Every point the plugin implements, with complete settings. */
  points: Partial<Record<PointName, ResolvedPoint>>;
  /** JSON Schema of the configuration. */
  configuration: Record<string, unknown>;
  environment: string[];
  /** Main module, relative to the package. Unused where `command` is given. */
  main: string;
  command?: string[];
  memoryLimitMb: number;
  pidsLimit: number;
  /** Undefined: root. */
  user?: string;
  /** The group whose process it runs in; undefined where it has one of its own. */
  sharedProcess?: string;
  /** What it asks to be allowed; undefined where it does not say, and may do all that its points let it do, and reach the network. */
  permissions?: PluginPermissions;
  /** What the operator's own file leaves of that. */
  narrowed?: PluginPermissions;
}

/** Settings of one point with every default filled in. */
export interface ResolvedPoint {
  priority: number;
  timeoutMs: number;
  failurePolicy: FailurePolicy;
  filters: PluginFilters;
  onConflict: ConflictPolicy;
}
