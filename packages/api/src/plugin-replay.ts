import { Type, type Static } from "typebox";
import { PatchOperation } from "./plugin-calls.ts";
import { JsonError } from "./json-message.ts";
import { PluginPrivilege } from "./plugins.ts";
import { flag, integer, list, optional, text } from "./wire-types.ts";

/** What came of a call; secrets are masked, or left out of it. */
export const PluginReplayResult = Type.Object({
  outcome: text("As in traces, or not called"),
  patch: optional(list(PatchOperation, "What the call changed")),
  error: optional(text()),
});
export type PluginReplayResult = Static<typeof PluginReplayResult>;

/** A recorded call of which something else comes now. */
export const PluginReplayDifference = Type.Object({
  time: text("RFC 3339, when the call was recorded"),
  version: text("Of the plugin that was called"),
  point: text(),
  container: Type.Object({ id: optional(text()), name: optional(text()) }),
  recorded: PluginReplayResult,
  present: optional(PluginReplayResult),
  replayed: PluginReplayResult,
  hidden: flag("It may differ since values of the call are masked or left out; such calls do not count as different"),
});
export type PluginReplayDifference = Static<typeof PluginReplayDifference>;

/** How a replay ended: each call is the same, different, hidden or left out. */
export const PluginReplaySummary = Type.Object({
  plugin: text(),
  version: text("That was run"),
  calls: integer(),
  same: integer(),
  differ: integer(),
  failing: integer("Of these, calls that fail now and did not"),
  hidden: integer("Calls that differ, perhaps since values of them are masked or left out"),
  leftOut: list(Type.Object({ reason: text(), calls: integer() })),
  notRecorded: Type.Object(
    { large: integer("Calls too large for the journal"), lost: integer("Calls that could not be written") },
    { description: "Of all plugins, since the daemon's start" },
  ),
  missing: list(PluginPrivilege, "What the version that was run asks for and nobody has granted"),
});
export type PluginReplaySummary = Static<typeof PluginReplaySummary>;

/** One line of a replay: how far it is, a call that differs, or, as the last one, the summary or an error. */
export const PluginReplayMessage = Type.Object({
  progress: optional(Type.Object({ done: integer(), total: integer() })),
  difference: optional(PluginReplayDifference),
  summary: optional(PluginReplaySummary),
  errorDetail: optional(JsonError),
  error: optional(text()),
});
export type PluginReplayMessage = Static<typeof PluginReplayMessage>;
