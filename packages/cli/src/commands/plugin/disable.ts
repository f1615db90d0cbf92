import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  args: exactArgs(1),
  flags: { force: bool("Disable it while it is in use", { short: "f" }) },
  examples: [{ does: "Leave it out of every chain", run: "pouch plugin disable legacy-env" }],
  async run(context, { flags, args }) {
    const name = argument(args, 0);
    const engine = await context.engine();
    await engine.postAndForget(`/plugins/${inPath(name)}/disable`, { query: { force: flags.force ? 1 : undefined } });
    context.out.write(`${name}\n`);
  },
});
