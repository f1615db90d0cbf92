import { secretMask } from "@pouchcontainer/api";
import { pluginApiVersion, type PointName } from "@pouchcontainer/plugin-sdk";
import { isObject, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import type { ChainContext } from "../chains.ts";
import { dataOfRequest } from "../data-of-request.ts";
import type { CallOutcome } from "../trace-entry.ts";
import { hiddenIn, hiddenInPatch, type JournalSecrets } from "./hidden-secrets.ts";
import type { JournaledCall } from "./journaled-call.ts";
import { isLargerThan } from "./larger-than.ts";

/** Of the form in which calls are written; a daemon leaves out what has another. */
export const entryFormat = 1;

/** What came of a call, without secrets. */
export interface CallResult {
  outcome: CallOutcome | "not called";
  patch?: PatchOperation[];
  error?: string;
}

/** What the engine said of a call besides its request. */
export type RecordedContext = Pick<ChainContext, "containerId" | "containerName" | "labels" | "image" | "env" | "overCri">;

/** One line of the journal. */
export interface JournalEntry {
  format: number;
  /** Version of the plugin API by which the call was made. */
  api: string;
  /** RFC 3339. */
  time: string;
  plugin: string;
  version: string;
  point: PointName;
  secrets: JournalSecrets;
  /** Fields of the request that were emptied. */
  emptied?: number;
  context: RecordedContext;
  given: Record<string, unknown>;
  result: CallResult;
}

export function journalEntry(call: JournaledCall, secrets: JournalSecrets): JournalEntry {
  const { containerId, containerName, labels, image, env, overCri } = call.context;
  const shown = {
    context: { containerId, containerName, labels, image, env, overCri },
    given: dataOfRequest(call.point, call.given),
  };
  const { value, emptied } = hiddenIn(shown, secrets);
  return {
    format: entryFormat,
    api: pluginApiVersion,
    time: new Date(call.startedAt).toISOString(),
    plugin: call.plugin,
    version: call.version,
    point: call.point,
    secrets,
    ...(emptied === 0 ? {} : { emptied }),
    // A copy of what it was, with other values.
    ...(value as Pick<JournalEntry, "context" | "given">),
    result: resultOf(call, secrets),
  };
}

export function resultOf({ outcome, patch = [], error }: JournaledCall, secrets: JournalSecrets): CallResult {
  const kept = hiddenInPatch(patch, secrets);
  return { outcome, ...(kept.length === 0 ? {} : { patch: kept }), ...(error === undefined ? {} : { error }) };
}

/** Whether the plugin was given values that are not there any more. */
export function hidesValues({ emptied = 0, given, context }: JournalEntry): boolean {
  return emptied > 0 || JSON.stringify([given, context]).includes(secretMask);
}

/** A line as it was written; undefined for one that was not written to its end, or is none of this journal. */
export function readEntry(line: string): JournalEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return !isLargerThan(entry, Infinity) && isEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Of another daemon's form no more is known than that it tells which it is, and whose call it was. */
function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value) || !Number.isInteger(value["format"]) || typeof value["plugin"] !== "string") return false;
  return (
    value["format"] !== entryFormat ||
    (["api", "time", "version", "point"].every((name) => typeof value[name] === "string") &&
      ["context", "given", "result"].every((name) => isObject(value[name])))
  );
}
