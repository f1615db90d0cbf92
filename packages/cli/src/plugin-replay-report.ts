import type { PluginReplayDifference, PluginReplayResult, PluginReplaySummary } from "@pouchcontainer/api";
import { callText } from "./plugin-calls.ts";
import { listed } from "./plugin-privileges.ts";

/** A call of which something else comes now: what was recorded, and what comes. */
export function differenceText({ time, version, point, container, ...found }: PluginReplayDifference): string {
  const { recorded, present, replayed, hidden } = found;
  const call = { point, container };
  const result = (plugin: string, { outcome, patch, error }: PluginReplayResult): string =>
    callText({ ...call, plugin, outcome, ...(patch && { patch }), ...(error !== undefined && { error }) });
  const first = `${time}  ${result(`recorded of ${version}`, recorded)}`;
  const unsure = hidden ? "    values of this call are not recorded: it does not count as different\n" : "";
  return `${first}${present === undefined ? "" : result("the present version", present)}${result("replayed", replayed)}${unsure}`;
}

export function summaryText(summary: PluginReplaySummary): string {
  const { plugin, version, calls, same, differ, failing, hidden, leftOut, notRecorded, missing } = summary;
  const fails = failing === 0 ? "" : ` (${failing} fail now and did not)`;
  const { large, lost } = notRecorded;
  const lines = [
    `${calls} calls of ${plugin} replayed by ${version}: ${same} the same, ${differ} differ${fails}`,
    ...(hidden === 0 ? [] : [`${hidden} more differ, perhaps for want of values that are masked or left out of the journal`]),
    ...leftOut.map(({ reason, calls }) => `${calls} left out: ${reason}`),
    ...(large + lost === 0 ? [] : [`not in the journal, of all plugins: ${large} calls too large for it, ${lost} not written`]),
    ...(missing.length === 0 ? [] : [`${version} asks for what nobody has granted:\n${listed(missing).trimEnd()}`]),
  ];
  return `${lines.join("\n")}\n`;
}
