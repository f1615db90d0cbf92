import type { ContainerPruneResponse, ImagePruneResponse, NetworkPruneResponse, VolumePruneResponse } from "@pouchcontainer/api";
import { UsageError } from "../../cli-error.ts";
import { defineCommand, noArgs } from "../../command.ts";
import { confirm } from "../../confirm.ts";
import { filterFlag, withFilter } from "../../filters.ts";
import { bool } from "../../flags/flag-types.ts";
import { decimalSize } from "../../output/units.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    all: bool("Remove all unused images not just dangling ones", { short: "a" }),
    filter: filterFlag('Provide filter values (e.g. "label=<key>=<value>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
    volumes: bool("Prune anonymous volumes"),
  },
  examples: [{ does: "Remove stopped containers, unused networks and every unused image", run: "pouch system prune -a" }],
  async run(context, { flags }) {
    if (flags.volumes && flags.filter?.includes('"until"'))
      throw new UsageError('the "until" filter is not supported with "--volumes"');
    const parts = [
      "all stopped containers",
      "all networks not used by at least one container",
      ...(flags.volumes ? ["all anonymous volumes not used by at least one container"] : []),
      flags.all ? "all images without at least one container associated to them" : "all dangling images",
    ];
    const warning = `WARNING! This will remove:\n${parts.map((part) => `  - ${part}\n`).join("")}\nAre you sure you want to continue?`;
    if (!flags.force && !(await confirm(context, warning))) return;

    const engine = await context.engine();
    const query = { filters: flags.filter };
    // In this order: a container that is gone frees its network, volumes and image.
    const containers = await engine.postJson<ContainerPruneResponse>("/containers/prune", { query });
    const networks = await engine.postJson<NetworkPruneResponse>("/networks/prune", { query });
    const volumes = flags.volumes ? await engine.postJson<VolumePruneResponse>("/volumes/prune", { query }) : undefined;
    const dangling = withFilter(flags.filter, "dangling", flags.all ? "false" : "true");
    const images = await engine.postJson<ImagePruneResponse>("/images/prune", { query: { filters: dangling } });

    const section = (title: string, names: readonly string[]): string =>
      names.length === 0 ? "" : `Deleted ${title}:\n${names.join("\n")}\n\n`;
    const total = containers.SpaceReclaimed + images.SpaceReclaimed + (volumes?.SpaceReclaimed ?? 0);
    context.out.write(
      [
        section("Containers", containers.ContainersDeleted ?? []),
        section("Networks", networks.NetworksDeleted ?? []),
        section("Volumes", volumes?.VolumesDeleted ?? []),
        section(
          "Images",
          (images.ImagesDeleted ?? []).map((one) => (one.Untagged ? `untagged: ${one.Untagged}` : `deleted: ${one.Deleted}`)),
        ),
        `Total reclaimed space: ${decimalSize(total)}\n`,
      ].join(""),
    );
  },
});
