import { argument, defineCommand, exactArgs } from "../../command.ts";
import { CliError } from "../../cli-error.ts";
import { inPath } from "../../for-each-name.ts";
import { parseImageName } from "../../image/reference.ts";

export const command = defineCommand({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  args: exactArgs(2),
  flags: {},
  examples: [{ does: "A second name for an image", run: "pouch tag busybox registry.example.com/team/busybox:1.0" }],
  async run(context, { args }) {
    const target = parseImageName(argument(args, 1));
    if (target.digest !== undefined) throw new CliError("refusing to create a tag with a digest reference");
    const engine = await context.engine();
    await engine.postAndForget(`/images/${inPath(argument(args, 0))}/tag`, {
      query: { repo: target.repository, tag: target.tag ?? "latest" },
    });
  },
});
