import { defineCommand, minArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { platformQuery } from "../../image/platform.ts";
import { printObjects } from "../inspect-objects.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: minArgs(1),
  flags: {
    format: text("Print with a Go template, or as 'json'", { short: "f" }),
    platform: text("Inspect this platform of a multi-platform image (os[/arch[/variant]])"),
  },
  examples: [{ does: "The command an image starts", run: "pouch image inspect -f '{{json .Config.Cmd}}' busybox" }],
  async run(context, { flags, args }) {
    return await printObjects(context, args, flags.format, async (engine, name) => {
      const answer = await engine.get(`/images/${inPath(name)}/json`, { query: { platform: platformQuery(flags.platform) } });
      return await answer.text();
    });
  },
});
