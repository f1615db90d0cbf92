import { changePlugin } from "../../change-plugin.ts";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "PLUGIN --promote|--abort",
  description:
    "A canary begins with `pouch plugin reload --canary`. How it does is in `pouch plugin inspect`, and what it did in `pouch plugin trace`.",
  args: exactArgs(1),
  flags: {
    promote: bool("Let the new version take all calls; those under way end in the old one"),
    abort: bool("Take the new version away; the old one takes all calls"),
  },
  examples: [
    { does: "How the canary does", run: "pouch plugin inspect -f '{{json .Pouch.Canary}}' net-qos" },
    { does: "It did well", run: "pouch plugin canary net-qos --promote" },
  ],
  async run(context, { flags, args }) {
    const name = argument(args, 0);
    if (flags.promote === flags.abort) throw new CliError("say one of --promote and --abort");
    const path = `/plugins/${inPath(name)}/canary/${flags.promote ? "promote" : "abort"}`;
    await changePlugin(context, name, (engine, signal) => engine.postAndForget(path, { signal }));
    context.out.write(`${name}\n`);
  },
});
