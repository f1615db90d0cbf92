import type { PluginSetFile } from "@pouchcontainer/api";
import { hostname } from "node:os";
import { grantedTo } from "./permissions/granted.ts";
import { legibleManifestOf, type PluginRecord } from "./plugin-record.ts";

/** The plugins there are, as the file that would make them: in the order that decides between equal priorities, the others by name. */
export function exportedSet(
  records: readonly PluginRecord[],
  builtin: readonly Pick<PluginRecord, "name" | "enabled" | "mode">[],
  order: readonly string[],
): PluginSetFile {
  const plugins = [...builtin, ...records.filter(({ installed }) => installed !== undefined).map((record) => entryOf(record))];
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return { complete: true, plugins: plugins.toSorted((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1)) };
}

function entryOf(record: PluginRecord): PluginSetFile["plugins"][number] {
  const { name, enabled, mode, installed } = record;
  const source = sourceOf(installed);
  const configuration = installed?.configuration;
  return {
    name,
    ...(source === undefined ? {} : { source }),
    version: legibleManifestOf(record).manifest.version,
    enabled,
    ...(mode === undefined ? {} : { mode }),
    ...(installed?.granted !== undefined && grantedTo(record).length > 0 && { grantAllPermissions: true }),
    ...(configuration === undefined ? {} : { configuration }),
  };
}

/** What was sent from another host cannot be looked at again from here. */
function sourceOf(installed: PluginRecord["installed"]): string | undefined {
  if (installed?.source === undefined || installed.sent !== true) return installed?.source;
  const here = `${hostname()}:/`;
  return installed.source.startsWith(here) ? installed.source.slice(here.length - 1) : undefined;
}
