import { argument, defineCommand, exactArgs } from "../../command.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "CONTAINER NEW_NAME",
  args: exactArgs(2),
  flags: {},
  examples: [{ does: "Give it another name", run: "pouch rename web web-old" }],
  async run(context, { args }) {
    const engine = await context.engine();
    await engine.postAndForget(`/containers/${inPath(argument(args, 0))}/rename`, { query: { name: argument(args, 1) } });
  },
});
