import type { ContainerInspect } from "@pouchcontainer/api";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { parseTimestamp } from "../../flags/value-parsers.ts";
import { inPath } from "../../for-each-name.ts";
import { Demultiplexer } from "../../streams/demultiplex.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  args: exactArgs(1),
  flags: {
    details: bool("Show extra details provided to logs"),
    follow: bool("Follow log output", { short: "f" }),
    since: text('Show logs since timestamp (e.g. "2026-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'),
    tail: text("Number of lines to show from the end of the logs", { short: "n", shownDefault: "all" }),
    timestamps: bool("Show timestamps", { short: "t" }),
    until: text('Show logs before a timestamp (e.g. "2026-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'),
  },
  examples: [
    { does: "The last ten lines, and what comes after them", run: "pouch logs -f --tail 10 web" },
    { does: "The last five minutes with times", run: "pouch logs -t --since 5m web" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const name = inPath(argument(args, 0));
    const now = context.now();
    const { Config } = await engine.getJson<ContainerInspect>(`/containers/${name}/json`);
    const answer = await engine.get(`/containers/${name}/logs`, {
      query: {
        stdout: 1,
        stderr: 1,
        details: flags.details ? 1 : undefined,
        follow: flags.follow ? 1 : undefined,
        timestamps: flags.timestamps ? 1 : undefined,
        tail: flags.tail ?? "all",
        since: flags.since === undefined ? undefined : parseTimestamp(flags.since, now),
        until: flags.until === undefined ? undefined : parseTimestamp(flags.until, now),
      },
    });
    const demultiplexer = new Demultiplexer((stream, data) => (stream === "stderr" ? context.err : context.out).write(data));
    for await (const chunk of answer.chunks()) {
      if (Config.Tty === true) context.out.write(chunk);
      else demultiplexer.push(chunk);
    }
  },
});
