import type { ContainerInspect } from "@pouchcontainer/api";
import { jsonStream, type PluginLog } from "@pouchcontainer/plugin-sdk";
import { entryOf, isObject, type PluginInstance, type PointOf, type PointRequest } from "@pouchcontainer/plugin-sdk/host";
import type { ChainContext } from "../chains.ts";
import { resultOf, type CallResult, type JournalEntry } from "../journal/journal-entry.ts";
import type { CallJournal, JournaledCall } from "../journal/journaled-call.ts";
import type { PluginHost } from "../plugin-host.ts";

export interface Rehearsal {
  host: PluginHost;
  instance: PluginInstance;
  log: PluginLog;
  signal: AbortSignal;
}

/**
 * Makes a recorded call again, by one plugin alone and by the code path of every call; nothing comes of it but what it answers. Rejects
 * where it did not get as far as the plugin.
 */
export async function rehearse(entry: JournalEntry, { host, instance, log, signal }: Rehearsal): Promise<CallResult> {
  signal.throwIfAborted();
  const calls: JournaledCall[] = [];
  const journal: CallJournal = {
    called: (call) => {
      calls.push(call);
    },
  };
  const alone = host.rehearsal({ mandatory: [], journal, logOf: () => log }, [
    { instance: atPoint(instance, entry), mode: "active" },
  ]);
  try {
    await callOf(alone, entry, { ...entry.context, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (calls.length === 0) throw error;
  }
  signal.throwIfAborted();
  const [call] = calls;
  return call === undefined ? { outcome: "not called" } : resultOf(call, entry.secrets);
}

/** The plugin as one that has this point only: what follows from it at others, such as a validation, is a call of its own. */
function atPoint(instance: PluginInstance, { point }: JournalEntry): PluginInstance {
  const { [point]: settings } = instance.manifest.points;
  return {
    manifest: { ...instance.manifest, points: settings === undefined ? {} : { [point]: settings } },
    origin: instance.origin,
    invoke: (asked, request, context) => instance.invoke(asked, request, context),
    close: async () => undefined,
  };
}

function callOf(host: PluginHost, { point, given }: JournalEntry, context: ChainContext): Promise<unknown> {
  const request = withHandles(given) as never;
  // The entry's request was held against its point: see `whyUnfit`.
  switch (entryOf(point).rule) {
    case "changes":
      return host.change(point as PointOf<"changes">, request, context);
    case "collects":
      return host.preStart(given["container"] as ContainerInspect, context);
    case "rewrites":
      return host.preUpdate(jsonStream(given["body"]), context);
    default:
      return host.ask(point as PointOf<"asks">, () => request as PointRequest<PointOf<"asks">>, context);
  }
}

/** An image's functions ask the daemon for something: here they do nothing, and nothing is unpacked. */
function withHandles(given: Record<string, unknown>): Record<string, unknown> {
  const { image } = given;
  if (!isObject(image)) return given;
  return { ...given, image: { ...image, unpack: async () => undefined, isUnpacked: async () => false } };
}
