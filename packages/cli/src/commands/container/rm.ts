import { defineCommand, minArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { isDaemonStatus } from "../../cli-error.ts";
import { forEachName, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {
    force: bool("Force the removal of a running container (uses SIGKILL)", { short: "f" }),
    link: bool("Remove the specified link", { short: "l" }),
    volumes: bool("Remove anonymous volumes associated with the container", { short: "v" }),
  },
  examples: [
    { does: "Remove a stopped container", run: "pouch rm web" },
    { does: "Kill what runs and remove it, anonymous volumes too", run: "pouch rm -fv web" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      const query = { force: flags.force ? 1 : undefined, link: flags.link ? 1 : undefined, v: flags.volumes ? 1 : undefined };
      try {
        (await engine.request("DELETE", `/containers/${inPath(name.replace(/^\/+/, ""))}`, { query })).close();
      } catch (error) {
        // Forced removal of what is not there has nothing left to do.
        if (flags.force && isDaemonStatus(error, 404)) {
          context.err.write(`${error.message}\n`);
          return "";
        }
        throw error;
      }
      return name;
    });
  },
});
