import { defineCommand, minArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { printObjects } from "../inspect-objects.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {
    format: text("Print with a Go template, or as 'json'", { short: "f" }),
    size: bool("Display total file sizes", { short: "s" }),
  },
  examples: [{ does: "The state of a container", run: "pouch container inspect -f '{{json .State}}' web" }],
  async run(context, { flags, args }) {
    return await printObjects(context, args, flags.format, async (engine, name) => {
      const answer = await engine.get(`/containers/${inPath(name)}/json`, { query: { size: flags.size ? 1 : undefined } });
      return await answer.text();
    });
  },
});
