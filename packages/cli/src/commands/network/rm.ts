import { isDaemonStatus } from "../../cli-error.ts";
import { defineCommand, minArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "NETWORK [NETWORK...]",
  args: minArgs(1),
  flags: { force: bool("Do not error if the network does not exist", { short: "f" }) },
  examples: [{ does: "Remove a network that no container is in", run: "pouch network rm backend" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      try {
        (await engine.request("DELETE", `/networks/${inPath(name)}`)).close();
      } catch (error) {
        if (flags.force && isDaemonStatus(error, 404)) return "";
        throw error;
      }
      return name;
    });
  },
});
