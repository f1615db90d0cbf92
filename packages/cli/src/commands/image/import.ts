import { openArchive } from "../../archive/open-archive.ts";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, rangeArgs } from "../../command.ts";
import { list, text } from "../../flags/flag-types.ts";
import { platformQuery } from "../../image/platform.ts";
import { nameQuery } from "../../image/reference.ts";
import { postWithProgress } from "../../progress-stream.ts";

export const command = defineCommand({
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  args: rangeArgs(1, 2),
  flags: {
    change: list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: text("Set commit message for imported image", { short: "m" }),
    platform: text("Set platform if server is multi-platform capable"),
  },
  examples: [
    { does: "An image of a container's file system", run: "pouch export web | pouch import - web:flat" },
    { does: "Of an archive, with a command", run: "pouch import -c 'CMD [\"/bin/sh\"]' root.tar.gz base:1" },
  ],
  async run(context, { args, flags }) {
    const source = argument(args, 0);
    const isAddress = /^https?:\/\//.test(source);
    const body = isAddress ? undefined : await bodyOf(source, context.stdin());
    await postWithProgress(
      context,
      "/images/create",
      {
        query: {
          fromSrc: isAddress ? source : "-",
          ...nameQuery(args[1]),
          changes: flags.change,
          message: flags.message,
          platform: platformQuery(flags.platform),
        },
        ...(body && { body }),
      },
      context.out,
    );
  },
});

async function bodyOf(source: string, stdin: NodeJS.ReadStream): Promise<AsyncIterable<Uint8Array>> {
  if (source === "-") {
    if (stdin.isTTY) throw new CliError("requested import from stdin, but stdin is a terminal");
    return stdin;
  }
  return await openArchive(source);
}
