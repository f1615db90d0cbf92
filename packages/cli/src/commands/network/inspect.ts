import { defineCommand, minArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { printObjects } from "../inspect-objects.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  args: minArgs(1),
  flags: {
    format: text("Print with a Go template, or as 'json'", { short: "f" }),
    verbose: bool("Verbose output for diagnostics", { short: "v" }),
  },
  examples: [
    { does: "The subnets of a network", run: "pouch network inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{end}}' bridge" },
  ],
  async run(context, { flags, args }) {
    return await printObjects(context, args, flags.format, async (engine, name) => {
      const answer = await engine.get(`/networks/${inPath(name)}`, { query: { verbose: flags.verbose ? true : undefined } });
      return await answer.text();
    });
  },
});
