import { Type, type Static } from "typebox";
import { flag, integer, optional, text } from "./wire-types.ts";

/** Numbers behind a progress bar. */
export const JsonProgress = Type.Object({
  current: optional(integer()),
  total: optional(integer()),
  start: optional(integer()),
  hidecounts: optional(flag()),
  units: optional(text()),
});
export type JsonProgress = Static<typeof JsonProgress>;

/** Why a stream of progress ended early. */
export const JsonError = Type.Object({ code: optional(integer()), message: optional(text()) });
export type JsonError = Static<typeof JsonError>;

/** One line of a pull's, load's or prune's progress. */
export const JsonMessage = Type.Object({
  stream: optional(text()),
  status: optional(text()),
  progressDetail: optional(JsonProgress),
  progress: optional(text("The bar as text; left out by newer daemons")),
  id: optional(text()),
  from: optional(text()),
  time: optional(integer()),
  timeNano: optional(integer()),
  errorDetail: optional(JsonError),
  error: optional(text()),
  aux: optional(Type.Unknown()),
});
export type JsonMessage = Static<typeof JsonMessage>;
