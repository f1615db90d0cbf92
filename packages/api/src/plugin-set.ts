import { Type, type Static } from "typebox";
import { PluginPrivilege } from "./plugins.ts";
import { flag, list, map, oneOf, optional, text } from "./wire-types.ts";

/** A plugin as a file of plugins has it. */
export const PluginSetEntry = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    source: optional(
      Type.String({
        minLength: 1,
        description: "Folder, archive or npm package; without one it is there, installed or compiled in",
      }),
    ),
    version: optional(Type.String({ minLength: 1, description: "What the package has to be" })),
    enabled: optional(flag("Default: true")),
    configuration: optional(map(Type.Unknown(), "Settings of an installed plugin")),
    mode: optional(oneOf("active", "shadow")),
    grantAllPermissions: optional(flag("Whatever it asks for is granted. Default: what was granted to it before")),
  },
  { additionalProperties: false },
);

/** A file that says which plugins a daemon has. Unlike other bodies it is a person's: what it has no word for is a mistake. */
export const PluginSetFile = Type.Object(
  {
    complete: optional(flag("Installed plugins that are not in the list go. Default: false")),
    plugins: Type.Array(PluginSetEntry, { maxItems: 1000, description: "Their order decides between equal priorities" }),
  },
  { additionalProperties: false },
);
export type PluginSetFile = Static<typeof PluginSetFile>;

const facts = Type.Object({
  enabled: flag(),
  mode: optional(oneOf("active", "shadow")),
  version: optional(text()),
  source: optional(text()),
  content: optional(text("Digest of the package's own files")),
  configuration: optional(Type.Unknown()),
});

/** What a set changed, or would change. */
export const PluginSetReport = Type.Object({
  changed: list(
    Type.Object({
      name: text(),
      action: oneOf("install", "replace", "configure", "enable", "disable", "set-mode", "move", "remove"),
      from: optional(facts),
      to: optional(facts),
      granted: optional(list(PluginPrivilege, "What it is granted for the first time, by grantAllPermissions")),
    }),
  ),
  order: optional(Type.Object({ from: list(text()), to: list(text()) })),
});
export type PluginSetReport = Static<typeof PluginSetReport>;
