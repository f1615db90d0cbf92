import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { pullImage } from "../../image/pull-image.ts";
import { completeName, parseImageName } from "../../image/reference.ts";
import { CliError } from "../../cli-error.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  args: exactArgs(1),
  flags: {
    "all-tags": bool("Download all tagged images in the repository", { short: "a" }),
    platform: text("Set platform if server is multi-platform capable"),
    quiet: bool("Suppress verbose output", { short: "q" }),
  },
  examples: [
    { does: "From Docker Hub", run: "pouch pull busybox:latest" },
    {
      does: "From a registry of your own, for another platform",
      run: "pouch pull --platform linux/arm64 registry.example.com:5000/team/app:1.0",
    },
  ],
  async run(context, { flags, args }) {
    const name = parseImageName(argument(args, 0));
    const allTags = flags["all-tags"];
    if (allTags && (name.tag !== undefined || name.digest !== undefined))
      throw new CliError("tag can't be used with --all-tags/-a");
    if (!flags.quiet && !allTags && name.tag === undefined && name.digest === undefined)
      context.out.write("Using default tag: latest\n");
    await pullImage(context, argument(args, 0), { platform: flags.platform, quiet: flags.quiet, allTags, progress: context.out });
    context.out.write(`${allTags ? completeName(name).replace(/:latest$/, "") : completeName(name)}\n`);
  },
});
