import { defineCommand, minArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { printObjects } from "../inspect-objects.ts";

export const command = defineCommand({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: minArgs(1),
  flags: {
    format: text("Print with a Go template, or as 'json'", { short: "f" }),
  },
  examples: [{ does: "Where a volume lies on the host", run: "pouch volume inspect -f '{{.Mountpoint}}' data" }],
  async run(context, { flags, args }) {
    return await printObjects(context, args, flags.format, async (engine, name) => {
      const answer = await engine.get(`/volumes/${inPath(name)}`);
      return await answer.text();
    });
  },
});
