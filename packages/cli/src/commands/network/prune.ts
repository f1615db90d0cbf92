import type { NetworkPruneResponse } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { confirm } from "../../confirm.ts";
import { filterFlag } from "../../filters.ts";
import { bool } from "../../flags/flag-types.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filterFlag('Provide filter values (e.g. "until=<timestamp>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
  },
  examples: [{ does: "Remove networks that no container is in", run: "pouch network prune -f" }],
  async run(context, { flags }) {
    const warning =
      "WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?";
    if (!flags.force && !(await confirm(context, warning))) return;
    const engine = await context.engine();
    const { NetworksDeleted } = await engine.postJson<NetworkPruneResponse>("/networks/prune", {
      query: { filters: flags.filter },
    });
    const deleted = NetworksDeleted ?? [];
    if (deleted.length > 0) context.out.write(`Deleted Networks:\n${deleted.join("\n")}\n\n`);
  },
});
