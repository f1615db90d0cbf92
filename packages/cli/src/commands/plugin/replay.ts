import type { PluginReplayDifference, PluginReplayMessage, PluginReplaySummary } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import { jsonValues } from "../../client/json-lines.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import type { CliContext } from "../../context.ts";
import { int, text } from "../../flags/flag-types.ts";
import { parseTimestamp } from "../../flags/value-parsers.ts";
import { inPath } from "../../for-each-name.ts";
import { differenceText, summaryText } from "../../plugin-replay-report.ts";
import { localPluginSource } from "../../plugin-source.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  args: exactArgs(1),
  flags: {
    against: text("Folder, archive or policy of the version to run; without it, the present one", { placeholder: "PATH" }),
    format: text("'json': print all of it as one document", { choices: ["json"] }),
    limit: int("Number of calls, the last ones", { short: "n", min: 1 }),
    point: text("Only calls at this point", { placeholder: "POINT" }),
    since: text("Only calls since this time, which has passed, or of the last 24h or so"),
  },
  description:
    "Runs a plugin over the calls that the daemon has recorded of it (--plugin-journal-size) and shows those of which something else comes now. It runs in a process of its own, in no chain; nothing is applied, installed or granted. Values of variables and credentials are not recorded: what may differ for want of them is shown and does not count. Exit status 0: none differs; 1: calls differ; 2 (125 for a flag that is wrong, 130 after Ctrl-C): it failed, or ended too early; 3: none differs of those that could be judged, and there are others.",
  examples: [
    {
      does: "What a new version would have done differently in the last day",
      run: "pouch plugin replay legacy-env --since 24h --against .",
    },
    { does: "Whether a plugin still does what it did", run: "pouch plugin replay net-qos" },
  ],
  async run(context, { flags, args }) {
    const { against, format, limit, point } = flags;
    const sent = against === undefined ? undefined : await localPluginSource(against);
    if (against !== undefined && sent === undefined) throw new CliError(`no such folder or file: ${against}`);
    const since = flags.since === undefined ? undefined : pastTime(flags.since, context.now());
    const differences: PluginReplayDifference[] = [];
    const show = format === "json" ? (one: PluginReplayDifference) => void differences.push(one) : shownOn(context);
    const path = `/plugins/${inPath(argument(args, 0))}/replay`;
    const summary = await replayed(context, path, { query: { since, point, limit }, ...(sent && { body: sent.body }) }, show);
    context.out.write(format === "json" ? `${JSON.stringify({ differences, summary }, undefined, 2)}\n` : summaryText(summary));
    return exitStatusOf(summary, against);
  },
});

function pastTime(given: string, nowMs: number): string {
  const since = parseTimestamp(given, nowMs);
  if (Number(since) * 1000 <= nowMs) return since;
  throw new CliError(`--since: "${given}" is still to come: write a time that has passed, or how long ago, such as 24h`);
}

/** With another version, what differs for want of values differs with the present one, too: that is no question left open. */
function exitStatusOf({ differ, hidden, leftOut }: PluginReplaySummary, against: string | undefined): number {
  if (differ > 0) return 1;
  return leftOut.length > 0 || (against === undefined && hidden > 0) ? notAllJudged : 0;
}

const notAllJudged = 3;

const shownOn =
  ({ out }: CliContext) =>
  (difference: PluginReplayDifference): void =>
    out.write(differenceText(difference));

interface Request {
  query: Record<string, string | number | undefined>;
  body?: AsyncIterable<Uint8Array>;
}

/** Ctrl-C closes the connection, which ends the replay. */
async function replayed(
  context: CliContext,
  path: string,
  request: Request,
  show: (difference: PluginReplayDifference) => void,
): Promise<PluginReplaySummary> {
  const engine = await context.engine();
  const abort = new AbortController();
  const undo = context.onInterrupt(() => abort.abort());
  try {
    const answer = await engine.post(path, { ...request, signal: abort.signal });
    for await (const value of jsonValues(answer.chunks())) {
      // The daemon sends api's PluginReplayMessage, one after another.
      const { difference, summary, error } = value as PluginReplayMessage;
      if (error !== undefined) throw new CliError(error);
      if (difference !== undefined) show(difference);
      if (summary !== undefined) return summary;
    }
    abort.signal.throwIfAborted();
    throw new CliError("the daemon went away before the replay was done");
  } catch (error) {
    if (abort.signal.aborted) throw new CliError("", { exitCode: 130 });
    throw error;
  } finally {
    undo();
  }
}
