import type { PluginPermissionsReport } from "@pouchcontainer/api";
import { legibleLine } from "@pouchcontainer/errors";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { listed } from "../../plugin-privileges.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  args: exactArgs(1),
  flags: {
    observed: bool(
      "Print what the plugin did since it was started, as its manifest would have to ask for it; what it did in the network is not seen",
    ),
  },
  description:
    "What a plugin asks for in its manifest and what it was granted: it may do what is in both. While a canary runs, the same of that. What it did is remembered of a plugin that asks for nothing by name, and of what others were refused.",
  examples: [
    { does: "What it may do", run: "pouch plugin permissions net-qos" },
    { does: "What an older plugin would have to ask for", run: "pouch plugin permissions --observed net-qos" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const path = `/plugins/${inPath(argument(args, 0))}/permissions`;
    const report = await engine.getJson<PluginPermissionsReport>(path);
    if (flags.observed) {
      context.out.write(`${JSON.stringify({ permissions: report.Observed }, undefined, 2)}\n`);
      if (report.ObservedMore) context.err.write("WARNING: it did more than is remembered\n");
      return;
    }
    context.out.write(`Asked:\n${listed(report.Asked)}Granted:\n${listed(report.Granted)}`);
    const canary = report.Canary ?? undefined;
    if (canary !== undefined) {
      const who = `Canary ${legibleLine(canary.Version)}`;
      context.out.write(`${who}, asked:\n${listed(canary.Asked)}${who}, granted:\n${listed(canary.Granted)}`);
    }
    for (const warning of new Set([report.Warning, canary?.Warning]))
      if ((warning ?? "") !== "") context.err.write(`WARNING: ${warning}\n`);
  },
});
