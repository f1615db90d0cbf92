import { argument, defineCommand, exactArgs } from "../../command.ts";
import { CliError } from "../../cli-error.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { pushImage } from "../../image/push-image.ts";
import { completeName, parseImageName } from "../../image/reference.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NAME[:TAG]",
  args: exactArgs(1),
  flags: {
    "all-tags": bool("Push all tags of an image to the repository", { short: "a" }),
    "disable-content-trust": bool("Skip image signing; there is none, and other tools sign what is pushed", { default: true }),
    platform: text("Of an image for several platforms push this one (os[/arch[/variant]])"),
    quiet: bool("Suppress verbose output", { short: "q" }),
  },
  examples: [
    { does: "To a registry of your own", run: "pouch push registry.example.com:5000/team/app:1.0" },
    { does: "All tags of a repository", run: "pouch push -a registry.example.com:5000/team/app" },
  ],
  async run(context, { flags, args }) {
    const name = parseImageName(argument(args, 0));
    const allTags = flags["all-tags"];
    if (!flags["disable-content-trust"]) throw new CliError("images are not signed by a push: sign them with a tool like cosign");
    if (name.digest !== undefined) throw new CliError("cannot push a digest reference");
    if (allTags && name.tag !== undefined) throw new CliError("tag can't be used with --all-tags/-a");
    if (!flags.quiet && !allTags && name.tag === undefined) context.out.write("Using default tag: latest\n");
    await pushImage(context, name, { platform: flags.platform, quiet: flags.quiet, allTags });
    if (flags.quiet) context.out.write(`${allTags ? completeName(name).replace(/:latest$/, "") : completeName(name)}\n`);
  },
});
