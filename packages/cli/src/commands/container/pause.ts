import { defineCommand, minArgs } from "../../command.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {},
  examples: [{ does: "Freeze all its processes", run: "pouch pause web" }],
  async run(context, { args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      await engine.postAndForget(`/containers/${inPath(name)}/pause`);
      return name;
    });
  },
});
