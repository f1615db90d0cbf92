import type { PluginArtifacts } from "./artifact/plugin-artifacts.ts";
import type { Collection } from "../store/index.ts";
import type { PackageFolders } from "./package-folders.ts";
import type { PluginLogs } from "./plugin-logs.ts";
import type { PluginOrder } from "./plugin-order.ts";
import type { PluginRecord } from "./plugin-record.ts";
import type { SetAction, SetChange } from "./plugin-set-plan.ts";
import { PluginSets } from "./plugin-sets.ts";
import type { PluginSwitch } from "./plugin-switch.ts";
import type { PluginTurns } from "./plugin-turns.ts";
import type { StateFolders } from "./state-folders.ts";

/** See `PluginManagerDeps`. */
export interface ManagedSetsDeps {
  records: Collection<PluginRecord>;
  directory: string;
  artifacts: PluginArtifacts;
  folders: PackageFolders;
  states: StateFolders;
  calledOff?: AbortSignal;
  logs: PluginLogs;
  publish: (event: { action: string; plugin: string; attributes: Record<string, string> }) => void;
  now?: () => number;
  isBuiltin: (name: string) => boolean;
  turns: PluginTurns;
  switch: PluginSwitch;
  order: PluginOrder;
}

/** Sets of plugins, brought about as other changes are. */
export function managedSets(deps: ManagedSetsDeps): PluginSets {
  const { records, directory, artifacts, folders, states, calledOff, now = Date.now, isBuiltin, logs, turns, order } = deps;
  return new PluginSets({
    records,
    directory,
    artifacts,
    folders,
    states,
    ...(calledOff && { calledOff }),
    now,
    isBuiltin,
    configurationOf: (record) => deps.switch.configurationOf(record),
    exclusive: (names, work) => turns.take(names, work),
    startFor: (record) => deps.switch.startFor(record),
    become: (name, record, keep, started) => deps.switch.become(name, record, keep, started),
    order: () => order.names,
    setOrder: (names) => order.become(names),
    warn: (plugin, message) => logs.logOf(plugin).error(message),
    settled: (change) => settle(change, deps),
  });
}

async function settle({ name, action, from, to }: SetChange, deps: ManagedSetsDeps): Promise<void> {
  const { publish, logs, folders, states, isBuiltin } = deps;
  publish({ action: eventOf(action), plugin: name, attributes: {} });
  const before = from?.installed?.directory;
  if (before !== undefined && before !== to?.installed?.directory) await folders.release(name, before);
  if (to === undefined) logs.forget(name);
  if (to === undefined && !isBuiltin(name)) await states.remove(name);
}

/** The events that the same change has when it is asked for by itself. */
function eventOf(action: SetAction): string {
  return action === "replace" || action === "configure" || action === "move" ? "reload" : action;
}
