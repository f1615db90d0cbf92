import type { ImagePruneResponse } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { confirm } from "../../confirm.ts";
import { filterFlag, withFilter } from "../../filters.ts";
import { bool } from "../../flags/flag-types.ts";
import { decimalSize } from "../../output/units.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    all: bool("Remove all unused images, not just dangling ones", { short: "a" }),
    filter: filterFlag('Provide filter values (e.g. "until=<timestamp>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
  },
  examples: [{ does: "Remove every image no container uses", run: "pouch image prune -a" }],
  async run(context, { flags }) {
    const what = flags.all ? "all images without at least one container associated to them" : "all dangling images";
    if (!flags.force && !(await confirm(context, `WARNING! This will remove ${what}.\nAre you sure you want to continue?`)))
      return;
    const engine = await context.engine();
    const filters = withFilter(flags.filter, "dangling", flags.all ? "false" : "true");
    const result = await engine.postJson<ImagePruneResponse>("/images/prune", { query: { filters } });
    const lines = (result.ImagesDeleted ?? []).map((one) =>
      one.Untagged ? `untagged: ${one.Untagged}\n` : `deleted: ${one.Deleted}\n`,
    );
    const list = lines.length === 0 ? "" : `Deleted Images:\n${lines.join("")}\n`;
    context.out.write(`${list}Total reclaimed space: ${decimalSize(result.SpaceReclaimed)}\n`);
  },
});
