import type { PointName } from "@pouchcontainer/plugin-sdk";
import { entryOf, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import type { ChainContext } from "../chains.ts";
import type { CallOutcome } from "../trace-entry.ts";

/** A call of a plugin that has ended, with all that is needed to make it again. */
export interface JournaledCall {
  /** Milliseconds since the epoch. */
  startedAt: number;
  plugin: string;
  version: string;
  point: PointName;
  /** The members of the request, out of the plugin's reach; nobody changes them any more. */
  given: unknown;
  context: ChainContext;
  outcome: CallOutcome;
  /** The whole of it. Absent when the call changed nothing. */
  patch?: readonly PatchOperation[];
  /** Secrets are masked. */
  error?: string;
}

/** Hears of every call that was made and not cancelled. Must not throw. */
export interface CallJournal {
  called(call: JournaledCall): void;
}

/**
 * Whether calls of a point can be made again: what plugins are given is data, and something comes of it that can be compared. What is told
 * has no answer, daemon points and the route table are of the daemon that runs, and `container.postUpdate` works on a container's files.
 */
export function isReplayable(point: PointName): boolean {
  const { rule } = entryOf(point);
  return point !== "container.postUpdate" && rule !== "tells" && rule !== "supervises" && rule !== "routes";
}
