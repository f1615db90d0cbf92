import { defineCommand, minArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: { signal: text("Signal to send to the container", { short: "s", shownDefault: "KILL" }) },
  examples: [
    { does: "End it at once", run: "pouch kill web" },
    { does: "Let it read its configuration again", run: "pouch kill -s HUP web" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      await engine.postAndForget(`/containers/${inPath(name)}/kill`, { query: { signal: flags.signal } });
      return name;
    });
  },
});
