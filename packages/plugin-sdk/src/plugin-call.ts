import type { Provenance } from "./provenance.ts";

/** Where a plugin's own lines go: the daemon's log, marked with the plugin's name. */
export interface PluginLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What every point receives after its own arguments: who is asking, how long there is, and the plugin's own settings. */
export interface PluginCall {
  /** Name of the plugin, as in its manifest. */
  readonly plugin: string;
  /** Aborted when the point's deadline passes or the operation is cancelled. Answers after that are thrown away. */
  readonly signal: AbortSignal;
  readonly log: PluginLog;
  /** The operator's settings for this plugin, valid against the manifest's `configuration` schema. Default: `{}`. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** The daemon's environment, only the names listed in the manifest's `environment`. */
  readonly environment: Readonly<Record<string, string>>;
  /** The container the call is about, where there is one. */
  readonly container?: { readonly id?: string; readonly name?: string };
}

/** What validating points receive: besides the final body, who changed what of it. */
export interface ValidateCall extends PluginCall {
  readonly provenance: Provenance;
}

/** A value now or later. */
export type Awaitable<T> = T | Promise<T>;
