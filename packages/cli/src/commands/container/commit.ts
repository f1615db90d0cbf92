import type { ImageCommitResponse } from "@pouchcontainer/api";
import { argument, defineCommand, rangeArgs } from "../../command.ts";
import { bool, list, text } from "../../flags/flag-types.ts";
import { nameQuery } from "../../image/reference.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  args: rangeArgs(1, 2),
  flags: {
    author: text('Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', { short: "a" }),
    change: list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: text("Commit message", { short: "m" }),
    pause: bool("Pause container during commit", { short: "p", default: true }),
  },
  examples: [
    { does: "An image of a container as it is", run: "pouch commit web web:snapshot" },
    {
      does: "With another command and a variable",
      run: "pouch commit -c 'CMD [\"sleep\", \"60\"]' -c 'ENV DEBUG=1' web web:debug",
    },
  ],
  async run(context, { args, flags }) {
    const engine = await context.engine();
    const { Id } = await engine.postJson<ImageCommitResponse>("/commit", {
      query: {
        container: argument(args, 0),
        ...nameQuery(args[1]),
        author: flags.author,
        comment: flags.message,
        changes: flags.change,
        pause: flags.pause ? 1 : 0,
      },
    });
    context.out.write(`${Id}\n`);
  },
});
