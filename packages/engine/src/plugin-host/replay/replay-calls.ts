import type { PluginReplayDifference, PluginReplayMessage } from "@pouchcontainer/api";
import type { BodyChecks } from "@pouchcontainer/plugin-sdk/host";
import { isDeepStrictEqual } from "node:util";
import { hidesValues, type CallResult, type JournalEntry } from "../journal/journal-entry.ts";
import type { AskedPlugin } from "./asked-plugin.ts";
import { whyUnfit } from "./fits-today.ts";
import type { RecordedCalls } from "./recorded-calls.ts";
import { ReplayReport } from "./replay-report.ts";

export interface ReplayedPlugin {
  checks: BodyChecks;
  /** What is run over the calls. */
  tried: AskedPlugin;
  /** The version that is in the chains, where another is run: tells what hangs on values that are not kept. */
  present?: AskedPlugin;
}

/** Calls in a row without an answer after which no more are made: each takes as long as the plugin may. */
const maxStuck = 3;
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
  let [done, stuck, toldAt] = [0, 0, 0];
  for await (const entry of calls) {
    if (stuck >= maxStuck) break;
    const unfit = whyUnfit(entry, plugin.checks);
    if (unfit !== undefined) report.leaveOut(unfit);
    else {
      const isStuck = await replayOne(entry, { plugin, report, tell, signal });
      stuck = isStuck ? stuck + 1 : 0;
    }
    done += 1;
    if (performance.now() - toldAt < tellMs) continue;
    toldAt = performance.now();
    await tell({ progress: { done, total: calls.total } });
  }
  report.leaveOut(
    stuck >= maxStuck
      ? `not judged, since the ${maxStuck} before had no answer within the plugin's deadline, or ended its process`
      : "they made room for newer ones meanwhile",
    calls.total - done,
  );
  for (const [what, count] of calls.damaged) report.leaveOut(what, count);
  return report;
}

interface Run {
  plugin: ReplayedPlugin;
  report: ReplayReport;
  tell: (message: PluginReplayMessage) => Promise<void>;
  signal: AbortSignal;
}

/** Whether the plugin was stuck. */
async function replayOne(entry: JournalEntry, run: Run): Promise<boolean> {
  const { plugin, report, signal } = run;
  const { result: replayed, isStuck } = await plugin.tried.ask(entry, signal);
  if ("unasked" in replayed) report.leaveOut(replayed.unasked);
  else if (isSame(entry.result, replayed)) report.same();
  else await differs(entry, replayed, run);
  return isStuck;
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
  { present }: ReplayedPlugin,
  signal: AbortSignal,
): Promise<CallResult | undefined> {
  const asked = await present?.ask(entry, signal);
  return asked === undefined || "unasked" in asked.result ? undefined : asked.result;
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
