import type { PluginSetFile } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { writeNamed } from "../../named-file.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  description:
    "Prints all plugins of the daemon as `pouch plugin apply` and --plugin-set read them: the whole set, in its order, with the settings it was installed with. A plugin that was sent from another host has no source.",
  args: noArgs,
  flags: { output: text("Write to this file, which root alone may read, instead", { short: "o" }) },
  examples: [{ does: "Keep the set beside the configuration", run: "pouch plugin export -o plugins.json" }],
  async run(context, { flags }) {
    const engine = await context.engine();
    const set = await engine.getJson<PluginSetFile>("/plugins/export");
    const content = `${JSON.stringify(set, null, 2)}\n`;
    if (flags.output === undefined) {
      context.out.write(content);
      return;
    }
    writeNamed(flags.output, content);
  },
});
