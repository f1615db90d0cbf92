import { Type, type Static } from "typebox";
import { flag, integer, list, map, nullable, optional, text } from "./wire-types.ts";

const described = { Name: text(), Description: text(), Settable: nullable(list(text())) };

/** A mount a plugin asks for. */
export const PluginMount = Type.Object({
  ...described,
  Source: nullable(text()),
  Destination: text(),
  Type: text(),
  Options: list(text()),
});
export type PluginMount = Static<typeof PluginMount>;

/** A device a plugin asks for. */
export const PluginDevice = Type.Object({ ...described, Path: nullable(text()) });
export type PluginDevice = Static<typeof PluginDevice>;

/** An environment variable of a plugin. */
export const PluginEnv = Type.Object({ ...described, Value: nullable(text()) });
export type PluginEnv = Static<typeof PluginEnv>;

/** What the operator may change of a plugin. */
export const PluginSettings = Type.Object({
  Mounts: list(PluginMount),
  Env: list(text()),
  Args: list(text()),
  Devices: list(PluginDevice),
});
export type PluginSettings = Static<typeof PluginSettings>;

/** What a plugin says about itself. */
export const PluginConfig = Type.Object({
  DockerVersion: optional(text()),
  Description: text(),
  Documentation: text(),
  Interface: Type.Object({
    Types: list(text(), "For example pouch.container/1.0"),
    Socket: text(),
    ProtocolScheme: optional(text()),
  }),
  Entrypoint: list(text()),
  WorkDir: text(),
  User: optional(Type.Object({ UID: optional(integer()), GID: optional(integer()) })),
  Network: Type.Object({ Type: text() }),
  Linux: Type.Object({ Capabilities: list(text()), AllowAllDevices: flag(), Devices: list(PluginDevice) }),
  PropagatedMount: text(),
  IpcHost: flag(),
  PidHost: flag(),
  Mounts: list(PluginMount),
  Env: list(PluginEnv),
  Args: Type.Object({ ...described, Value: list(text()) }),
  rootfs: optional(Type.Object({ type: optional(text()), diff_ids: optional(list(text())) })),
});
export type PluginConfig = Static<typeof PluginConfig>;

/** One thing that a plugin asks to be allowed, in Docker's shape. */
export const PluginPrivilege = Type.Object({ Name: text(), Description: text(), Value: list(text()) });
export type PluginPrivilege = Static<typeof PluginPrivilege>;

/** What a plugin asks to be allowed and what it was granted; it may do what is in both. */
export const PluginPermissionFacts = Type.Object({
  Asked: list(PluginPrivilege),
  Granted: list(PluginPrivilege),
  Narrowed: nullable(
    list(PluginPrivilege, "What the operator's file left of it when the plugin was started; null where there was none"),
  ),
  Warning: nullable(text("What is wrong with that")),
});
export type PluginPermissionFacts = Static<typeof PluginPermissionFacts>;

/** The same, with what the plugin did, and of the new version that takes a share of its calls. */
export const PluginPermissionsReport = Type.Object({
  ...PluginPermissionFacts.properties,
  Canary: nullable(Type.Object({ Version: text(), ...PluginPermissionFacts.properties })),
  Observed: Type.Unsafe<object>(Type.Object({})),
  ObservedMore: flag("It did more than is remembered"),
});
export type PluginPermissionsReport = Static<typeof PluginPermissionsReport>;

/** A new version of a plugin that takes a share of its calls. */
export const PluginCanary = Type.Object({
  Version: text(),
  Share: text("Of the plugin's calls, such as 5%"),
  Since: text("RFC 3339"),
  Calls: integer("Calls that it took"),
  Failures: integer("Those of them that failed, and were answered by the plugin's own version"),
  SlowCalls: integer("Those that took longer than MaxMs"),
  Crashes: integer(
    "How often it crashed, or could not be started again; with the calls that it had then each counts as one failure",
  ),
  FailureLimit: text("Failures, slow calls and crashes with which it goes back: a number, or a share of its calls"),
  MaxMs: nullable(integer()),
  PromoteAt: nullable(text("RFC 3339, when it becomes the plugin's version by itself")),
  Permissions: PluginPermissionFacts,
});
export type PluginCanary = Static<typeof PluginCanary>;

/** A version of a plugin that takes no more calls, while those that run in it are waited for. */
export const PluginLeaving = Type.Object({
  Version: text(),
  Calls: integer("Calls that run in it"),
  Until: text("RFC 3339: then it is ended, whatever runs in it"),
});
export type PluginLeaving = Static<typeof PluginLeaving>;

/** PouchContainer's own facts about a plugin, all of them always: what there is none of is null, so that a template can ask for it. */
export const PouchPluginFacts = Type.Object({
  Version: text(),
  Origin: text("built-in, installed or policy"),
  Points: list(text(), "container.preCreate …"),
  Priority: integer(),
  FailurePolicy: text("fail or ignore"),
  Mode: text("active, or shadow: it is called, and nothing that it does is applied"),
  State: text(),
  Permissions: PluginPermissionFacts,
  Canary: nullable(PluginCanary),
  Leaving: list(PluginLeaving, "versions that were replaced or taken out, in which calls run"),
  OpenCircuits: list(
    Type.Object({ Point: text(), Reason: text("since which failures it is not called there, and what closes the circuit") }),
    "points at which it is not called for a while",
  ),
  Digest: nullable(text("Of a plugin of a registry: the manifest that PluginReference stood for when it was pulled")),
  Signature: nullable(text("Who signed that manifest, or why no signature counts; null where the daemon has no keys")),
  Details: map(Type.Unknown(), "Calls in flight, and of a process its pid and how often it was started again, or null"),
});
export type PouchPluginFacts = Static<typeof PouchPluginFacts>;

/** Everything about one plugin: Docker's shape, `Pouch` added. */
export const Plugin = Type.Object({
  Id: optional(text()),
  Name: text(),
  Enabled: flag(),
  Settings: PluginSettings,
  PluginReference: optional(text()),
  Config: PluginConfig,
  Pouch: optional(PouchPluginFacts),
});
export type Plugin = Static<typeof Plugin>;
