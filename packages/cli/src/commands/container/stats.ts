import type { ContainerStats, ContainerSummary } from "@pouchcontainer/api";
import type { EngineClient } from "../../client/engine-client.ts";
import { jsonValues } from "../../client/json-lines.ts";
import { anyArgs, defineCommand } from "../../command.ts";
import { statsListing } from "../../container/stats-listing.ts";
import type { StatsItem } from "../../container/stats-listing.ts";
import type { CliContext } from "../../context.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { formatListing } from "../../output/listing.ts";

/** Milliseconds between two pictures. */
const refreshMs = 500;

export const command = defineCommand({
  usage: "[OPTIONS] [CONTAINER...]",
  args: anyArgs,
  flags: {
    all: bool("Show all containers (default shows just running)", { short: "a" }),
    format: text("Print with a Go template, as 'table TEMPLATE', or as 'json'"),
    "no-stream": bool("Disable streaming stats and only pull the first result"),
    "no-trunc": bool("Do not truncate output"),
  },
  examples: [
    { does: "Watch what runs", run: "pouch stats" },
    { does: "One look, two columns", run: "pouch stats --no-stream --format 'table {{.Name}}\\t{{.MemUsage}}'" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const listing = statsListing(flags["no-trunc"]);
    const print = (items: readonly StatsItem[]): string => formatListing(listing, items, { format: flags.format, quiet: false });
    if (flags["no-stream"]) {
      const names = await namesOf(engine, args, flags.all);
      context.out.write(print(await Promise.all(names.map(async (name) => await oneSample(engine, name)))));
      return;
    }
    await watch(context, engine, { args, all: flags.all, print });
  },
});

async function namesOf(engine: EngineClient, args: readonly string[], all: boolean): Promise<readonly string[]> {
  if (args.length > 0) return args;
  const containers = await engine.getJson<ContainerSummary[]>("/containers/json", { all: all ? 1 : undefined });
  return containers.map((one) => one.Id);
}

async function oneSample(engine: EngineClient, name: string): Promise<StatsItem> {
  const stats = await engine.getJson<ContainerStats>(`/containers/${inPath(name)}/stats`, { stream: 0 });
  return { asked: name, stats };
}

interface WatchOptions {
  args: readonly string[];
  all: boolean;
  print(items: readonly StatsItem[]): string;
}

/** Redraws the table until Ctrl-C, or until every container that was named is gone. */
async function watch(context: CliContext, engine: EngineClient, options: WatchOptions): Promise<void> {
  const followed = new Map<string, StatsItem>();
  const abort = new AbortController();
  const undo = context.onInterrupt(() => abort.abort());
  const follow = (name: string): void => {
    if (followed.has(name)) return;
    followed.set(name, { asked: name });
    void followStats(engine, name, followed, abort.signal);
  };
  // Names that are wrong are an error now, not an empty line for ever.
  if (options.args.length > 0) await Promise.all(options.args.map((name) => engine.getJson(`/containers/${inPath(name)}/json`)));
  try {
    for (let turn = 0; !abort.signal.aborted; turn++) {
      if (turn % 4 === 0 && options.args.length === 0) for (const name of await namesOf(engine, [], options.all)) follow(name);
      if (turn === 0) for (const name of options.args) follow(name);
      if (context.out.isTTY) context.out.write(Buffer.from("\u001b[2J\u001b[H"));
      context.out.write(options.print([...followed.values()]));
      if (options.args.length > 0 && followed.size === 0) return;
      await new Promise((resolve) => setTimeout(resolve, refreshMs));
    }
  } finally {
    undo();
    abort.abort();
  }
}

async function followStats(
  engine: EngineClient,
  name: string,
  followed: Map<string, StatsItem>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const answer = await engine.get(`/containers/${inPath(name)}/stats`, { query: { stream: 1 }, signal });
    // The daemon sends api's ContainerStats, one after another.
    for await (const value of jsonValues(answer.chunks())) followed.set(name, { asked: name, stats: value as ContainerStats });
  } catch {
    // The container is gone or the watch is over; either way its line goes.
  }
  followed.delete(name);
}
