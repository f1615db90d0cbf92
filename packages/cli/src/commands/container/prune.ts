import type { ContainerPruneResponse } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { confirm } from "../../confirm.ts";
import { filterFlag } from "../../filters.ts";
import { bool } from "../../flags/flag-types.ts";
import { decimalSize } from "../../output/units.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filterFlag('Provide filter values (e.g. "until=<timestamp>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
  },
  examples: [{ does: "Remove what stopped more than a day ago", run: "pouch container prune -f --filter until=24h" }],
  async run(context, { flags }) {
    const warning = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?";
    if (!flags.force && !(await confirm(context, warning))) return;
    const engine = await context.engine();
    const result = await engine.postJson<ContainerPruneResponse>("/containers/prune", { query: { filters: flags.filter } });
    const deleted = result.ContainersDeleted ?? [];
    const list = deleted.length === 0 ? "" : `Deleted Containers:\n${deleted.join("\n")}\n\n`;
    context.out.write(`${list}Total reclaimed space: ${decimalSize(result.SpaceReclaimed)}\n`);
  },
});
