import { defineCommand, minArgs } from "../../command.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "PLUGIN [PLUGIN...]",
  args: minArgs(1),
  flags: {},
  description:
    "The new version is started and checked before it takes over; calls under way end in the old one. A new version that fails leaves the old one in place.",
  examples: [{ does: "Take over what changed in its folder", run: "pouch plugin reload net-qos" }],
  async run(context, { args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      await engine.postAndForget(`/plugins/${inPath(name)}/reload`);
      return name;
    });
  },
});
