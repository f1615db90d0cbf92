import type { PluginReplayDifference, PluginReplayMessage } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { isDeepStrictEqual } from "node:util";
import { hidesValues, type CallResult, type JournalEntry } from "../journal/journal-entry.ts";
import type { PluginHost } from "../plugin-host.ts";
import { whyUnfit } from "./fits-today.ts";
import type { RecordedCalls } from "./recorded-calls.ts";
import { rehearse } from "./rehearse-call.ts";
import { ReplayReport } from "./replay-report.ts";

export interface ReplayedPlugin {
  host: PluginHost;
  /** What is run over the calls. */
  instance: PluginInstance;
  /** The version that is in the chains, where another is run: tells what hangs on values that are not kept. Undefined where it does not start. */
  present?: () => Promise<PluginInstance | undefined>;
  log: PluginLog;
}

/** Calls in a row without an answer after which no more are made: each takes as long as the plugin may. */
const maxLate = 3;
/** Milliseconds between two messages of how far it is. */
const tellMs = 500;

/** Makes recorded calls again, one after the other, and tells where something else comes of them. */
export async function replayCalls(
  calls: RecordedCalls,
  plugin: ReplayedPlugin,
  tell: (message: PluginReplayMessage) => Promise<void>,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const report = new ReplayReport();
  let [done, late, toldAt] = [0, 0, 0];
  for await (const entry of calls) {
    if (late >= maxLate) break;
    const unfit = whyUnfit(entry, plugin.host.checks);
    if (unfit !== undefined) report.leaveOut(unfit);
    else {
      const isLate = await replayOne(entry, { plugin, report, tell, signal });
      late = isLate ? late + 1 : 0;
    }
    done += 1;
    if (performance.now() - toldAt < tellMs) continue;
    toldAt = performance.now();
    await tell({ progress: { done, total: calls.total } });
  }
  report.leaveOut(
    late >= maxLate
      ? `not made, since ${maxLate} in a row had no answer within the plugin's deadline`
      : "they made room for newer ones meanwhile",
    calls.total - done,
  );
  for (const [what, count] of calls.damaged) report.leaveOut(what, count);
  return report;
}

const timeoutOf = ({ instance }: ReplayedPlugin, { point }: JournalEntry): number =>
  instance.manifest.points[point]?.timeoutMs ?? Infinity;

interface Run {
  plugin: ReplayedPlugin;
  report: ReplayReport;
  tell: (message: PluginReplayMessage) => Promise<void>;
  signal: AbortSignal;
}

/** Whether there was no answer within the plugin's deadline. */
async function replayOne(entry: JournalEntry, run: Run): Promise<boolean> {
  const { plugin, report, signal } = run;
  const { host, instance, log } = plugin;
  const started = performance.now();
  const replayed = await rehearse(entry, { host, instance, log, signal }).catch((error: unknown) => EngineError.from(error));
  const isLate = performance.now() - started >= timeoutOf(plugin, entry);
  signal.throwIfAborted();
  if (replayed instanceof EngineError) report.leaveOut(`it did not get as far as the plugin: ${replayed.message}`);
  else if (isSame(entry.result, replayed)) report.same();
  else await differs(entry, replayed, run);
  return isLate;
}

async function differs(entry: JournalEntry, replayed: CallResult, { plugin, report, tell, signal }: Run): Promise<void> {
  const { result: recorded } = entry;
  const hides = hidesValues(entry);
  const present = hides ? await presentResult(entry, plugin, signal) : undefined;
  // What the present version makes of the call without these values is no difference of the other version.
  const isUnsure = hides && (present === undefined || isSame(present, replayed));
  if (isUnsure) report.hidden();
  else report.differs(replayed.error !== undefined && recorded.error === undefined);
  await tell({ difference: { ...callOf(entry), recorded, ...(present && { present }), replayed, hidden: isUnsure } });
}

async function presentResult(
  entry: JournalEntry,
  { host, log, present }: ReplayedPlugin,
  signal: AbortSignal,
): Promise<CallResult | undefined> {
  const instance = await present?.();
  return instance === undefined ? undefined : rehearse(entry, { host, instance, log, signal });
}

function callOf({
  time,
  version,
  point,
  context,
}: JournalEntry): Pick<PluginReplayDifference, "time" | "version" | "point" | "container"> {
  const { containerId: id, containerName: name } = context;
  const container = { ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) };
  return { time, version, point, container };
}

/** One that is not called changes nothing. */
function isSame(one: CallResult, other: CallResult): boolean {
  return one.error === other.error && isDeepStrictEqual(one.patch ?? [], other.patch ?? []);
}
