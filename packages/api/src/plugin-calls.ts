import { Type, type Static } from "typebox";
import { PluginPrivilege } from "./plugins.ts";
import { decimal, flag, integer, list, map, optional, text } from "./wire-types.ts";

/** One change, RFC 6902. */
export const PatchOperation = Type.Object({ op: text(), path: text(), from: optional(text()), value: optional(Type.Unknown()) });
export type PatchOperation = Static<typeof PatchOperation>;

/** One call of a plugin, as traces have it. */
export const PluginTraceEntry = Type.Object({
  sequence: integer(),
  time: text("RFC 3339, start of the call"),
  plugin: text(),
  version: text(),
  point: text("For example container.preCreate"),
  durationMs: decimal(),
  outcome: text("changed, unchanged, failed, timeout, ignored or skipped; in shadow mode also refused or left-out"),
  shadow: optional(flag("The plugin was in shadow mode: nothing came of the call")),
  withheld: optional(list(text(), "What the plugin asked the daemon to do in shadow mode, which was not done")),
  patch: optional(list(PatchOperation, "What the call changed; a value that is too large to be kept is left out")),
  patchCut: optional(
    Type.Object({
      operations: integer("Operations that are not in `patch`"),
      bytes: integer("Bytes of JSON that are not in `patch`, values of operations that are in it among them"),
    }),
  ),
  conflicts: optional(list(Type.Unknown())),
  conflictsCut: optional(integer("Conflicts that are not in `conflicts`")),
  error: optional(text()),
  container: optional(Type.Object({ id: optional(text()), name: optional(text()) })),
  leftOut: optional(integer("Calls between the one before and this one that are not kept")),
});
export type PluginTraceEntry = Static<typeof PluginTraceEntry>;

/** Body of a dry run: the point, and the body its chain is run on. */
export const PluginDryRunRequest = Type.Object({ point: text(), body: Type.Unknown() });
export type PluginDryRunRequest = Static<typeof PluginDryRunRequest>;

/** What a dry run found: each call, and the body after the last one or why it got no further. */
export const PluginDryRunResponse = Type.Object({
  calls: list(PluginTraceEntry),
  body: optional(Type.Unknown()),
  error: optional(text()),
});
export type PluginDryRunResponse = Static<typeof PluginDryRunResponse>;

/** The order that decides between equal priorities: names of plugins. */
export const PluginOrder = Type.Object({ order: list(text()) });
export type PluginOrder = Static<typeof PluginOrder>;

/** Whether what a plugin does is applied. */
export const PluginModeRequest = Type.Object({ mode: text("active or shadow") });
export type PluginModeRequest = Static<typeof PluginModeRequest>;

/** Where to get a plugin from. */
export const PluginInstallRequest = Type.Object({
  source: text("A folder or archive on the daemon's host, REGISTRY/NAME:TAG, or an npm package"),
  name: optional(text()),
  enable: optional(flag()),
  mode: optional(text("active or shadow; default: as it was before, active of a new one")),
  configuration: optional(map(Type.Unknown())),
  privileges: optional(Type.Unsafe<"all" | PluginPrivilege[]>(Type.Union([Type.Literal("all"), list(PluginPrivilege)]))),
});
export type PluginInstallRequest = Static<typeof PluginInstallRequest>;

/** What a package asks for, and what of that nobody has granted yet. */
export const PluginPrivileges = Type.Object({
  Name: text(),
  Version: text(),
  Privileges: list(PluginPrivilege),
  Missing: list(PluginPrivilege, "What has to be granted"),
  Fetches: optional(
    list(text(), "Packages, as NAME@VERSION, that npm is asked for when it is brought in; absent where there are none"),
  ),
  Warning: optional(text("What to know of it before")),
});
export type PluginPrivileges = Static<typeof PluginPrivileges>;
