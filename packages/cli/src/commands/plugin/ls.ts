import type { Plugin } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { filterFlag } from "../../filters.ts";
import { listFlags } from "../../list-flags.ts";
import { printListing } from "../../output/listing.ts";
import type { Listing } from "../../output/listing.ts";
import { ellipsis, shortId } from "../../output/units.ts";
import { modeText } from "../../plugin-state.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: { ...listFlags, filter: filterFlag('Provide filter values (e.g. "enabled=true")', "f") },
  examples: [
    { does: "All plugins, the built-in ones too", run: "pouch plugin ls" },
    { does: "What each one is called for", run: "pouch plugin ls --format 'table {{.Name}}\\t{{.Priority}}\\t{{.Points}}'" },
  ],
  async run(context, { flags }) {
    const engine = await context.engine();
    const plugins = await engine.getJson<Plugin[] | null>("/plugins", { filters: flags.filter });
    printListing(context.out, pluginListing(flags["no-trunc"]), plugins ?? [], flags);
  },
});

function pluginListing(noTrunc: boolean): Listing<Plugin> {
  return {
    headings: {
      Description: "DESCRIPTION",
      Enabled: "ENABLED",
      ID: "ID",
      Mode: "MODE",
      Name: "NAME",
      Origin: "ORIGIN",
      PluginReference: "REFERENCE",
      Points: "POINTS",
      Priority: "PRIORITY",
      State: "STATE",
      Version: "VERSION",
    },
    table: "{{.ID}}\t{{.Name}}\t{{.Version}}\t{{.Origin}}\t{{.Priority}}\t{{.Description}}\t{{.Enabled}}\t{{.Mode}}",
    quiet: "{{.ID}}",
    row: (plugin) => {
      const description = (plugin.Config.Description ?? "").replaceAll(/\s+/g, " ");
      const id = plugin.Id ?? plugin.Name;
      return {
        Description: noTrunc ? description : ellipsis(description, 45),
        Enabled: String(plugin.Enabled),
        ID: noTrunc ? id : shortId(id),
        Mode: modeText(plugin),
        Name: plugin.Name,
        Origin: plugin.Pouch?.Origin ?? "",
        PluginReference: plugin.PluginReference ?? "",
        Points: (plugin.Pouch?.Points ?? []).join(","),
        Priority: plugin.Pouch?.Priority ?? 0,
        State: plugin.Pouch?.State ?? "",
        Version: plugin.Pouch?.Version ?? "",
      };
    },
  };
}
