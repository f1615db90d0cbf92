import type { ImageDeleteItem } from "@pouchcontainer/api";
import { DaemonError } from "../../cli-error.ts";
import { defineCommand, minArgs } from "../../command.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: minArgs(1),
  flags: {
    force: bool("Force removal of the image", { short: "f" }),
    "no-prune": bool("Do not delete untagged parents"),
  },
  examples: [{ does: "Remove a name, and the image with its last one", run: "pouch rmi busybox:1.0" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const query = { force: flags.force ? 1 : undefined, noprune: flags["no-prune"] ? 1 : undefined };
    let status = 0;
    // One after another: images share layers, and the daemon answers what each removal really deleted.
    for (const name of args) {
      try {
        const removed = await (await engine.request("DELETE", `/images/${inPath(name)}`, { query })).json<ImageDeleteItem[]>();
        for (const { Deleted, Untagged } of removed)
          context.out.write(Deleted === undefined || Deleted === "" ? `Untagged: ${Untagged}\n` : `Deleted: ${Deleted}\n`);
      } catch (error) {
        if (!(error instanceof DaemonError)) throw error;
        context.err.write(`${error.message}\n`);
        if (!flags.force || error.status !== 404) status = 1;
      }
    }
    return status;
  },
});
