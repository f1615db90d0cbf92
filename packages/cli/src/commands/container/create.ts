import { argument, defineCommand, minArgs } from "../../command.ts";
import { createBody } from "../../container/create-body.ts";
import { createContainer } from "../../container/create-container.ts";
import { createFlags } from "../../container/create-flags.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: minArgs(1),
  stopAtFirstArg: true,
  flags: createFlags,
  examples: [
    { does: "Make a container, start it later", run: "pouch create --name web -p 8080:80 nginx" },
    { does: "With limits and a volume", run: "pouch create -m 512m --cpus 1.5 -v data:/var/lib/db db" },
  ],
  async run(context, { flags, given, args }) {
    const asked = (stream: string): boolean => flags.attach.some((one) => one.toLowerCase() === stream);
    const body = createBody({
      flags,
      given,
      image: argument(args, 0),
      command: args.slice(1),
      env: context.env,
      folder: process.cwd(),
      attach:
        flags.attach.length === 0
          ? { stdin: flags.interactive, stdout: true, stderr: true }
          : { stdin: asked("stdin"), stdout: asked("stdout"), stderr: asked("stderr") },
    });
    const id = await createContainer(context, {
      body,
      name: flags.name,
      platform: flags.platform,
      pull: flags.pull,
      quiet: flags.quiet,
      idFile: flags.cidfile,
    });
    context.out.write(`${id}\n`);
  },
});
