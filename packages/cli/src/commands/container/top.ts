import type { ContainerTopResponse } from "@pouchcontainer/api";
import { legibleLine } from "@pouchcontainer/errors";
import { argument, defineCommand, minArgs } from "../../command.ts";
import { inPath } from "../../for-each-name.ts";
import { alignColumns } from "../../output/tabwriter.ts";

export const command = defineCommand({
  usage: "CONTAINER [ps OPTIONS]",
  args: minArgs(1),
  stopAtFirstArg: true,
  flags: {},
  examples: [
    { does: "Processes of a container", run: "pouch top web" },
    { does: "With columns of your own", run: "pouch top web -o pid,cmd" },
  ],
  async run(context, { args }) {
    const engine = await context.engine();
    const psArgs = args.slice(1).join(" ");
    const query = { ps_args: psArgs === "" ? undefined : psArgs };
    const { Titles, Processes } = await engine.getJson<ContainerTopResponse>(
      `/containers/${inPath(argument(args, 0))}/top`,
      query,
    );
    context.out.write(
      alignColumns([Titles, ...(Processes ?? [])].map((row) => `${row.map(legibleLine).join("\t")}\n`).join(""), 20),
    );
  },
});
