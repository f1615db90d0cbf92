import { defineCommand, minArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: minArgs(1),
  flags: { force: bool("Force the removal of one or more volumes", { short: "f" }) },
  examples: [{ does: "Remove a volume that no container uses", run: "pouch volume rm data" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      (await engine.request("DELETE", `/volumes/${inPath(name)}`, { query: { force: flags.force ? 1 : undefined } })).close();
      return name;
    });
  },
});
