import type { PointName } from "@pouchcontainer/plugin-sdk";
import type { Conflict } from "./conflicts.ts";
import type { PatchCut, TracedOperation } from "./kept-patch.ts";

/**
 * How a call ended. `ignored`: it failed and the plugin's failure policy let the operation go on. `skipped`: not called,
 * because its circuit is open and its policy is to ignore failures. Of calls in shadow mode alone: `refused`, and `left-out`, not called, because
 * as many were under way as may be.
 */
export type CallOutcome = "changed" | "unchanged" | "failed" | "timeout" | "ignored" | "skipped" | "refused" | "left-out";

/** One call of a plugin. */
export interface TraceEntry {
  sequence: number;
  /** RFC 3339, start of the call. */
  time: string;
  plugin: string;
  version: string;
  point: PointName;
  durationMs: number;
  outcome: CallOutcome;
  /** The plugin was in shadow mode: the outcome, the patch and the error are what would have been, and nothing came of them. */
  shadow?: true;
  /** What it asked the daemon to do besides, which was not done. Absent when that is nothing. */
  withheld?: string[];
  /** What the call changed (RFC 6902). Absent when it changed nothing. */
  patch?: TracedOperation[];
  /** What of the patch is too large to be kept. */
  patchCut?: PatchCut;
  conflicts?: Conflict[];
  /** Conflicts that are not among them. Absent when all are. */
  conflictsCut?: number;
  error?: string;
  container?: { id?: string; name?: string };
  /** Calls between the one before and this one that are not kept. Absent when all are. */
  leftOut?: number;
}
