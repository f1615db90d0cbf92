import { defineCommand, minArgs } from "../../command.ts";
import { int, text } from "../../flags/flag-types.ts";
import { forEachNameInTurn, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {
    signal: text("Signal to send to the container", { short: "s" }),
    timeout: int("Seconds to wait before killing the container", { short: "t", aliases: ["time"] }),
  },
  examples: [
    { does: "Stop it and start it again", run: "pouch restart web" },
    { does: "Give it two seconds to stop", run: "pouch restart -t 2 web db" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return await forEachNameInTurn(context, args, async (name) => {
      await engine.postAndForget(`/containers/${inPath(name)}/restart`, { query: { signal: flags.signal, t: flags.timeout } });
      return name;
    });
  },
});
