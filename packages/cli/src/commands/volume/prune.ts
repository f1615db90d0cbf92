import type { VolumePruneResponse } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { confirm } from "../../confirm.ts";
import { filterFlag, withFilter } from "../../filters.ts";
import { bool } from "../../flags/flag-types.ts";
import { decimalSize } from "../../output/units.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    all: bool("Remove all unused volumes, not just anonymous ones", { short: "a" }),
    filter: filterFlag('Provide filter values (e.g. "label=<label>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
  },
  examples: [{ does: "Remove every volume that no container uses", run: "pouch volume prune -a" }],
  async run(context, { flags }) {
    const what = flags.all ? "all local volumes" : "anonymous local volumes";
    if (
      !flags.force &&
      !(await confirm(
        context,
        `WARNING! This will remove ${what} not used by at least one container.\nAre you sure you want to continue?`,
      ))
    )
      return;
    const engine = await context.engine();
    const filters = flags.all && (await engine.atLeast("1.42")) ? withFilter(flags.filter, "all", "true") : flags.filter;
    const result = await engine.postJson<VolumePruneResponse>("/volumes/prune", { query: { filters } });
    const deleted = result.VolumesDeleted ?? [];
    const list = deleted.length === 0 ? "" : `Deleted Volumes:\n${deleted.join("\n")}\n\n`;
    context.out.write(`${list}Total reclaimed space: ${decimalSize(result.SpaceReclaimed)}\n`);
  },
});
