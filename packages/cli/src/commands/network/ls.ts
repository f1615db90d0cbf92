import type { NetworkInspect } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { filterFlag } from "../../filters.ts";
import { listFlags } from "../../list-flags.ts";
import { printListing } from "../../output/listing.ts";
import type { Listing } from "../../output/listing.ts";
import { shortId } from "../../output/units.ts";
import { labelText } from "../container/ls.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: { ...listFlags, filter: filterFlag('Provide filter values (e.g. "driver=bridge")', "f") },
  examples: [{ does: "Bridge networks only", run: "pouch network ls -f driver=bridge" }],
  async run(context, { flags }) {
    const engine = await context.engine();
    const networks = await engine.getJson<NetworkInspect[]>("/networks", { filters: flags.filter });
    const sorted = networks.toSorted((a, b) => a.Name.localeCompare(b.Name, "en", { numeric: true }));
    printListing(context.out, networkListing(flags["no-trunc"]), sorted, flags);
  },
});

function networkListing(noTrunc: boolean): Listing<NetworkInspect> {
  return {
    headings: {
      CreatedAt: "CREATED AT",
      Driver: "DRIVER",
      ID: "NETWORK ID",
      IPv4: "IPV4",
      IPv6: "IPV6",
      Internal: "INTERNAL",
      Labels: "LABELS",
      Name: "NAME",
      Scope: "SCOPE",
    },
    table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
    quiet: "{{.ID}}",
    row: (network) => ({
      CreatedAt: network.Created,
      Driver: network.Driver,
      ID: noTrunc ? network.Id : shortId(network.Id),
      IPv4: String(network.EnableIPv4 ?? true),
      IPv6: String(network.EnableIPv6),
      Internal: String(network.Internal),
      Labels: labelText(network.Labels),
      Name: network.Name,
      Scope: network.Scope,
      Label: (name: unknown) => network.Labels?.[String(name)] ?? "",
    }),
  };
}
