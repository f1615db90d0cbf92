import type { Plugin } from "@pouchcontainer/api";
import type { EngineClient } from "../../client/engine-client.ts";
import { defineCommand, maxArgs } from "../../command.ts";
import { bool, int, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { writeData, type Output } from "../../output/output.ts";
import { compile } from "../../output/listing.ts";
import { callText } from "../../plugin-calls.ts";
import type { PluginCall } from "../../plugin-calls.ts";

/** Calls that are not made leave no trace, or none that says what is to be done. */
async function tellOpenCircuits(engine: EngineClient, err: Output): Promise<void> {
  for (const { Name, Pouch } of (await engine.getJson<Plugin[] | null>("/plugins")) ?? [])
    for (const { Point, Reason } of Pouch?.OpenCircuits ?? []) err.write(`plugin ${Name}: circuit open at ${Point}: ${Reason}\n`);
}

export const command = defineCommand({
  usage: "[OPTIONS] [CONTAINER]",
  args: maxArgs(1),
  flags: {
    format: text("Print with a Go template, or as 'json'"),
    limit: int("Number of calls to show, the last ones", { short: "n", min: 1, shownDefault: "20" }),
    "show-env": bool("Show the values of environment variables"),
  },
  examples: [
    { does: "What plugins did to a container, and with which patches", run: "pouch plugin trace web" },
    { does: "The last five calls", run: "pouch plugin trace -n 5" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const calls = await engine.getJson<PluginCall[]>("/plugins/trace", {
      container: args[0],
      limit: flags.limit ?? (args[0] === undefined ? 20 : undefined),
      showEnv: flags["show-env"] ? 1 : undefined,
    });
    if (calls.length === 0 && args[0] !== undefined) await engine.get(`/containers/${inPath(args[0])}/json`);
    const format = flags.format ?? "";
    const template = format === "" || format === "json" ? undefined : compile(format);
    if (template !== undefined) writeData(context.out, calls.map((call) => `${template.render(call)}\n`).join(""));
    else if (format === "json") writeData(context.out, calls.map((call) => `${JSON.stringify(call)}\n`).join(""));
    else context.out.write(calls.map(callText).join(""));
    await tellOpenCircuits(engine, context.err);
  },
});
