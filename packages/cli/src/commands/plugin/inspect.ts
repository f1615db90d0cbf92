import { defineCommand, minArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { printObjects } from "../inspect-objects.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN [PLUGIN...]",
  args: minArgs(1),
  flags: {
    format: text("Print with a Go template, or as 'json'", { short: "f" }),
  },
  examples: [{ does: "The points a plugin implements", run: "pouch plugin inspect -f '{{.Pouch.Points}}' legacy-env" }],
  async run(context, { flags, args }) {
    return await printObjects(context, args, flags.format, async (engine, name) => {
      const answer = await engine.get(`/plugins/${inPath(name)}/json`);
      return await answer.text();
    });
  },
});
