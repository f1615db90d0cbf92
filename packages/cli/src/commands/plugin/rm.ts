import { defineCommand, minArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN [PLUGIN...]",
  description:
    "What a plugin keeps in its state directory goes with it; disable it, or install the other version over it, to keep that.",
  args: minArgs(1),
  flags: { force: bool("Force the removal of an active plugin", { short: "f" }) },
  examples: [{ does: "Remove an installed plugin that is still enabled", run: "pouch plugin rm -f net-qos" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      (await engine.request("DELETE", `/plugins/${inPath(name)}`, { query: { force: flags.force ? 1 : undefined } })).close();
      return name;
    });
  },
});
