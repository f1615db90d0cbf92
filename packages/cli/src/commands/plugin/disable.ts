import { changePlugin } from "../../change-plugin.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  description:
    "Calls that run in it have a minute to end, which the command waits for, and says so; with --force they are given up. Ctrl-C ends the wait alone: the daemon goes on, and the command says how the plugin is.",
  args: exactArgs(1),
  flags: { force: bool("Disable it while it is in use", { short: "f" }) },
  examples: [{ does: "Leave it out of every chain", run: "pouch plugin disable legacy-env" }],
  async run(context, { flags, args }) {
    const name = argument(args, 0);
    const query = { force: flags.force ? 1 : undefined };
    const path = `/plugins/${inPath(name)}/disable`;
    await changePlugin(context, name, (engine, signal) => engine.postAndForget(path, { query, signal }));
    context.out.write(`${name}\n`);
  },
});
