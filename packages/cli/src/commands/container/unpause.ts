import { defineCommand, minArgs } from "../../command.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {},
  examples: [{ does: "Let its processes go on", run: "pouch unpause web" }],
  async run(context, { args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      await engine.postAndForget(`/containers/${inPath(name)}/unpause`);
      return name;
    });
  },
});
