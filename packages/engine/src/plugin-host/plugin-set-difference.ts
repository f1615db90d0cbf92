import { withoutSecrets, type PluginPrivilege } from "@pouchcontainer/api";
import { legibleManifestOf, type PluginRecord } from "./plugin-record.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";
import type { SetAction, SetChange } from "./plugin-set-plan.ts";

/** A change as it is told: what was, what is to be, secrets masked. */
export interface SetDifference {
  name: string;
  action: SetAction;
  from?: PluginFactsOfSet;
  to?: PluginFactsOfSet;
  /** What it is granted for the first time, because its entry grants whatever it asks for. */
  granted?: PluginPrivilege[];
}

export interface PluginFactsOfSet {
  enabled: boolean;
  /** Absent of an active one. */
  mode?: PluginMode;
  version?: string;
  source?: string;
  content?: string;
  configuration?: unknown;
}

export function differenceOf({ name, action, from, to, granted }: SetChange): SetDifference {
  return { name, action, ...(from && { from: factsOf(from) }), ...(to && { to: factsOf(to) }), ...(granted && { granted }) };
}

function factsOf(record: PluginRecord): PluginFactsOfSet {
  const { mode, installed } = record;
  const enabled = { enabled: record.enabled, ...(mode === undefined ? {} : { mode }) };
  if (installed === undefined) return enabled;
  const { source, content, configuration } = installed;
  return {
    ...enabled,
    version: legibleManifestOf(record).manifest.version,
    ...(source === undefined ? {} : { source }),
    ...(content === undefined ? {} : { content }),
    ...(configuration === undefined ? {} : { configuration: withoutSecrets(configuration) }),
  };
}
