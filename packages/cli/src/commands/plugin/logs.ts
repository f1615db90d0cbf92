import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { writeText } from "../../output/output.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  args: exactArgs(1),
  flags: { follow: bool("Follow log output", { short: "f" }) },
  examples: [{ does: "What a plugin prints", run: "pouch plugin logs -f net-qos" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const answer = await engine.get(`/plugins/${inPath(argument(args, 0))}/logs`, {
      query: { follow: flags.follow ? 1 : undefined },
    });
    await writeText(context.out, answer.chunks());
  },
});
