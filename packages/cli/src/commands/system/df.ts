import type { DiskUsage } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import type { CliContext } from "../../context.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { formatListing, printListing } from "../../output/listing.ts";
import type { Listing } from "../../output/listing.ts";
import { decimalSize } from "../../output/units.ts";
import { containerListing } from "../container/ls.ts";
import { imageListing, namesOf } from "../image/ls.ts";
import { volumeListing } from "../volume/ls.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    format: text("Print with a Go template, as 'table TEMPLATE', or as 'json'"),
    verbose: bool("Show detailed information on space usage", { short: "v" }),
  },
  examples: [{ does: "What takes the disk, and what could be freed", run: "pouch system df" }],
  async run(context, { flags }) {
    const engine = await context.engine();
    const usage = await engine.getJson<DiskUsage>("/system/df");
    if (flags.verbose) context.out.write(verboseText(context, usage));
    else printListing(context.out, usageListing, summarize(usage), { format: flags.format, quiet: false });
  },
});

interface UsageLine {
  type: string;
  total: number;
  active: number;
  size: number;
  reclaimable: number;
}

function summarize(usage: DiskUsage): UsageLine[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = usage.Volumes ?? [];
  const usedImages = images.filter((one) => one.Containers > 0);
  const isActive = (state: string): boolean => /^(running|paused|restarting)$/.test(state);
  const written = (active: boolean): number =>
    sum(containers.filter((one) => isActive(one.State) === active).map((one) => one.SizeRw ?? 0));
  const volumeSize = (wanted: (links: number) => boolean): number =>
    sum(volumes.filter((one) => wanted(one.UsageData?.RefCount ?? 0)).map((one) => Math.max(0, one.UsageData?.Size ?? 0)));
  const imageSize = usage.LayersSize ?? 0;
  const usedImageSize = sum(usedImages.map((one) => (one.SharedSize < 0 ? 0 : one.Size - one.SharedSize)));
  return [
    { type: "Images", total: images.length, active: usedImages.length, size: imageSize, reclaimable: imageSize - usedImageSize },
    {
      type: "Containers",
      total: containers.length,
      active: containers.filter((one) => isActive(one.State)).length,
      size: written(true) + written(false),
      reclaimable: written(false),
    },
    {
      type: "Local Volumes",
      total: volumes.length,
      active: volumes.filter((one) => (one.UsageData?.RefCount ?? 0) > 0).length,
      size: volumeSize(() => true),
      reclaimable: volumeSize((links) => links === 0),
    },
    // Only a daemon that builds images has one.
    ...(usage.BuildCache === undefined || usage.BuildCache === null
      ? []
      : [
          {
            type: "Build Cache",
            total: usage.BuildCache.length,
            active: 0,
            size: usage.BuilderSize ?? 0,
            reclaimable: usage.BuilderSize ?? 0,
          },
        ]),
  ];
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);

const usageListing: Listing<UsageLine> = {
  headings: { Active: "ACTIVE", Reclaimable: "RECLAIMABLE", Size: "SIZE", TotalCount: "TOTAL", Type: "TYPE" },
  table: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
  quiet: "{{.Type}}",
  row: ({ type, total, active, size, reclaimable }) => ({
    Active: String(active),
    Reclaimable: size > 0 ? `${decimalSize(reclaimable)} (${Math.trunc((reclaimable / size) * 100)}%)` : decimalSize(reclaimable),
    Size: decimalSize(size),
    TotalCount: String(total),
    Type: type,
  }),
};

function verboseText(context: CliContext, usage: DiskUsage): string {
  const nowMs = context.now();
  const options = { quiet: false, format: undefined };
  const images = {
    ...imageListing({ noTrunc: false, digests: false, nowMs }),
    table: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}",
  };
  const containers = {
    ...containerListing({ noTrunc: false, size: true, nowMs }),
    table: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
  };
  const volumes = { ...volumeListing, table: "{{.Name}}\t{{.Links}}\t{{.Size}}" };
  return [
    `Images space usage:\n\n${formatListing(
      images,
      (usage.Images ?? []).flatMap((one) => namesOf(one, false)),
      options,
    )}`,
    `Containers space usage:\n\n${formatListing(containers, usage.Containers ?? [], options)}`,
    `Local Volumes space usage:\n\n${formatListing(volumes, usage.Volumes ?? [], options)}`,
  ].join("\n");
}
