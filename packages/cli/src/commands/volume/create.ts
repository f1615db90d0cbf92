import type { Volume, VolumeCreateConfig } from "@pouchcontainer/api";
import { UsageError } from "../../cli-error.ts";
import { defineCommand, maxArgs } from "../../command.ts";
import { list, map, text, keyValues } from "../../flags/flag-types.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [VOLUME]",
  args: maxArgs(1),
  flags: {
    driver: text("Specify volume driver name", { short: "d", shownDefault: "local" }),
    label: list("Set metadata for a volume", { short: "l" }),
    name: text("Specify volume name", { short: "n" }),
    opt: map("Set driver specific options", { short: "o", aliases: ["option"] }),
  },
  examples: [
    { does: "A volume with a name", run: "pouch volume create data" },
    { does: "A tmpfs of 100 MB as a volume", run: "pouch volume create -o type=tmpfs -o device=tmpfs -o o=size=100m scratch" },
  ],
  async run(context, { flags, args }) {
    if (flags.name !== undefined && args[0] !== undefined)
      throw new UsageError("conflicting options: cannot specify a volume-name through both --name and as a positional arg");
    const body: VolumeCreateConfig = {
      Name: args[0] ?? flags.name ?? "",
      Driver: flags.driver ?? "local",
      DriverOpts: flags.opt,
      Labels: keyValues(flags.label),
    };
    const engine = await context.engine();
    const { Name } = await engine.postJson<Volume>("/volumes/create", { json: body });
    context.out.write(`${Name}\n`);
  },
});
