import { cutText, messageChain } from "@pouchcontainer/errors";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { firstLine } from "../first-line.ts";
import type { Collection } from "../store/index.ts";
import type { ConfinementDeps } from "./confinement/confinement.ts";
import { FailedPlugin } from "./failed-plugin.ts";
import { isMadeOfFlag } from "./flag-plugins.ts";
import { removeLostSockets } from "./installed/installed-plugin.ts";
import type { PackageFolders } from "./package-folders.ts";
import type { PluginHost } from "./plugin-host.ts";
import type { PluginLogs } from "./plugin-logs.ts";
import { legibleManifestOf, originOf, type PluginOrderRecord, type PluginRecord } from "./plugin-record.ts";
import type { StateFolders } from "./state-folders.ts";

/** See `PluginManagerDeps`. */
export interface LastRunDeps {
  host: PluginHost;
  records: Collection<PluginRecord>;
  orders: Collection<PluginOrderRecord>;
  logs: PluginLogs;
  directory: string;
  folders: PackageFolders;
  states: StateFolders;
  runtimeDirectory: string;
  confine?: ConfinementDeps;
  safeMode?: boolean;
  calledOff?: AbortSignal;
  publish: (event: { action: string; plugin: string; attributes: Record<string, string> }) => void;
  builtin: ReadonlyMap<string, PluginInstance>;
  start: (record: PluginRecord) => Promise<PluginInstance>;
}

/** Takes up the plugins of the last run, but those that are `heldBack`, and takes away what a daemon that was killed left. */
export async function takeUpLastRun(deps: LastRunDeps, heldBack: ReadonlySet<string>): Promise<void> {
  const { host, records, orders, runtimeDirectory, confine, builtin } = deps;
  await confine?.groups.sweep();
  removeLostSockets(runtimeDirectory);
  await forgetFlagPlugins(deps);
  const order = orders.get("order")?.order;
  if (order !== undefined) host.registry.reorder(order);
  const installed = [deps.folders.sweep(deps.directory), deps.states.sweep([...records.values()].map(({ name }) => name))];
  if (deps.safeMode === true) {
    for (const name of builtin.keys()) if (!isMadeOfFlag(name)) host.registry.remove(name);
    await Promise.all(installed);
    return;
  }
  for (const record of records.values()) {
    if (builtin.has(record.name)) {
      if (!record.enabled) host.registry.remove(record.name);
      else takeUpBuiltin(deps, record);
    } else if (record.enabled && !heldBack.has(record.name) && record.installed !== undefined)
      installed.push(takeUp(deps, record));
  }
  await Promise.all(installed);
  deps.calledOff?.throwIfAborted();
}

/** What a daemon without the flag had under such a name, a plugin or whether it is called and how, is not to hold for what the flag asks for. */
async function forgetFlagPlugins({ records, logs, builtin }: LastRunDeps): Promise<void> {
  for (const name of [...builtin.keys()].filter(isMadeOfFlag)) {
    const record = records.get(name);
    if (record === undefined) continue;
    await records.delete(name);
    if (record.installed !== undefined)
      logs
        .logOf(name)
        .warn("the plugin that was installed under this name was removed: it is that of rules of the daemon's flags");
  }
}

function takeUpBuiltin({ host, builtin }: LastRunDeps, { name, mode }: PluginRecord): void {
  const instance = builtin.get(name);
  if (instance !== undefined) host.registry.swap(instance, mode);
}

/** One that does not start is reported, and is there as one that fails its calls. */
async function takeUp({ host, logs, publish, start, calledOff }: LastRunDeps, record: PluginRecord): Promise<void> {
  let instance: PluginInstance;
  try {
    instance = await start(record);
  } catch (error) {
    if (calledOff?.aborted === true) return;
    // The rest is what its process wrote, which is in its log.
    const reason = cutText(firstLine(messageChain(error)));
    logs.logOf(record.name).error(reason);
    publish({ action: "failed", plugin: record.name, attributes: { reason } });
    instance = new FailedPlugin(legibleManifestOf(record).manifest, originOf(record), reason);
  }
  host.add(instance, record.mode);
}
