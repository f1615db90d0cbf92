import type { Volume, VolumeListResponse } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { filterFlag } from "../../filters.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { printListing } from "../../output/listing.ts";
import type { Listing } from "../../output/listing.ts";
import { decimalSize } from "../../output/units.ts";
import { labelText } from "../container/ls.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filterFlag('Provide filter values (e.g. "dangling=true")', "f"),
    format: text("Print with a Go template, as 'table TEMPLATE', or as 'json'"),
    quiet: bool("Only display volume names", { short: "q" }),
  },
  examples: [{ does: "Volumes that no container uses", run: "pouch volume ls -f dangling=true" }],
  async run(context, { flags }) {
    const engine = await context.engine();
    const { Volumes, Warnings } = await engine.getJson<VolumeListResponse>("/volumes", { filters: flags.filter });
    const sorted = (Volumes ?? []).toSorted((a, b) => a.Name.localeCompare(b.Name, "en", { numeric: true }));
    printListing(context.out, volumeListing, sorted, flags);
    for (const warning of Warnings ?? []) context.err.write(`WARNING: ${warning}\n`);
  },
});

export const volumeListing: Listing<Volume> = {
  headings: {
    Driver: "DRIVER",
    Labels: "LABELS",
    Links: "LINKS",
    Mountpoint: "MOUNTPOINT",
    Name: "VOLUME NAME",
    Scope: "SCOPE",
    Size: "SIZE",
  },
  table: "{{.Driver}}\t{{.Name}}",
  quiet: "{{.Name}}",
  row: (volume) => ({
    Driver: volume.Driver,
    Labels: labelText(volume.Labels),
    Links: volume.UsageData === undefined ? "N/A" : String(volume.UsageData.RefCount),
    Mountpoint: volume.Mountpoint,
    Name: volume.Name,
    Scope: volume.Scope,
    Size: volume.UsageData === undefined || volume.UsageData.Size < 0 ? "N/A" : decimalSize(volume.UsageData.Size),
    Label: (name: unknown) => volume.Labels?.[String(name)] ?? "",
  }),
};
