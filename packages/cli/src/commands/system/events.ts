import type { EventMessage } from "@pouchcontainer/api";
import { legibleLine } from "@pouchcontainer/errors";
import { jsonTexts } from "../../client/json-lines.ts";
import { defineCommand, noArgs } from "../../command.ts";
import { filterFlag } from "../../filters.ts";
import { text } from "../../flags/flag-types.ts";
import { parseTimestamp } from "../../flags/value-parsers.ts";
import { compile } from "../../output/listing.ts";
import { writeData } from "../../output/output.ts";

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
    for await (const text of jsonTexts(answer.chunks())) {
      if (template !== undefined) writeData(context.out, `${template.render(goFields(readEvent(text)))}\n`);
      else if (flags.format === "json") writeData(context.out, `${text}\n`);
      else context.out.write(`${legibleLine(eventText(readEvent(text)))}\n`);
    }
  },
});

/** With all digits of its time: a number holds it to about 200 ns. */
type ExactEvent = Omit<EventMessage, "timeNano"> & { timeNano?: bigint };

// TypeScript's library does not have the last parameter yet.
const parseWithSource = JSON.parse as (
  text: string,
  revive: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

function readEvent(text: string): ExactEvent {
  // The daemon sends api's EventMessage, one after another.
  return parseWithSource(text, (key, value, { source }) =>
    key === "timeNano" && typeof value === "number" && Number.isInteger(value) ? BigInt(source ?? value) : value,
  ) as ExactEvent;
}

/** An event as templates name its fields: as the daemon does, and as Go, which Docker's documentation goes by. JSON has the daemon's. */
function goFields(event: ExactEvent): object {
  const { status = "", id = "", from = "", scope = "", time, timeNano = 0n } = event;
  const named = { ...event, Status: status, ID: id, From: from, Scope: scope, Time: time, TimeNano: timeNano };
  return Object.assign(Object.create({ toJSON: () => event }), named);
}

export function eventText({ time, timeNano, Type, Action, Actor }: ExactEvent): string {
  const attributes = Object.entries(Actor.Attributes ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(", ");
  const seconds = new Date(time * 1000).toISOString().slice(0, 19);
  const nanos = String((timeNano ?? 0n) % 1_000_000_000n).padStart(9, "0");
  return `${seconds}.${nanos}Z ${Type} ${Action} ${Actor.ID}${attributes === "" ? "" : ` (${attributes})`}`;
}
