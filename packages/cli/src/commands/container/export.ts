import { argument, defineCommand, exactArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { saveBody } from "../../output/save-body.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  args: exactArgs(1),
  flags: { output: text("Write to a file, instead of STDOUT", { short: "o" }) },
  examples: [{ does: "The file system of a container as a tar archive", run: "pouch export -o web.tar web" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    await saveBody(context, flags.output, () => engine.get(`/containers/${inPath(argument(args, 0))}/export`));
  },
});
