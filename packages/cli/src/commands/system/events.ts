import type { EventMessage } from "@pouchcontainer/api";
import { jsonValues } from "../../client/json-lines.ts";
import { defineCommand, noArgs } from "../../command.ts";
import { filterFlag } from "../../filters.ts";
import { text } from "../../flags/flag-types.ts";
import { parseTimestamp } from "../../flags/value-parsers.ts";
import { compile } from "../../output/listing.ts";
import { toJson } from "../../template/functions.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filterFlag("Filter output based on conditions provided", "f"),
    format: text("Print with a Go template, or as 'json'"),
    since: text("Show all events created since timestamp", { short: "s" }),
    until: text("Stream events until this timestamp", { short: "u" }),
  },
  examples: [
    { does: "What happens from now on", run: "pouch events" },
    { does: "Containers that died in the last hour", run: "pouch events --since 1h --until 0s -f type=container -f event=die" },
  ],
  async run(context, { flags }) {
    const engine = await context.engine();
    const now = context.now();
    const template =
      flags.format === undefined || flags.format === "" || flags.format === "json" ? undefined : compile(flags.format);
    const answer = await engine.get("/events", {
      query: {
        filters: flags.filter,
        since: flags.since === undefined ? undefined : parseTimestamp(flags.since, now),
        until: flags.until === undefined ? undefined : parseTimestamp(flags.until, now),
      },
    });
    for await (const value of jsonValues(answer.chunks())) {
      // The daemon sends api's EventMessage, one after another.
      const event = value as EventMessage;
      const line = template !== undefined ? template.render(event) : flags.format === "json" ? toJson(event) : eventText(event);
      context.out.write(`${line}\n`);
    }
  },
});

export function eventText({ time, timeNano, Type, Action, Actor }: EventMessage): string {
  const attributes = Object.entries(Actor.Attributes ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(", ");
  const seconds = new Date(time * 1000).toISOString().slice(0, 19);
  const nanos = String(Math.trunc((timeNano ?? 0) % 1e9)).padStart(9, "0");
  return `${seconds}.${nanos}Z ${Type} ${Action} ${Actor.ID}${attributes === "" ? "" : ` (${attributes})`}`;
}
