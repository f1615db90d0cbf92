import type { FilesystemChange } from "@pouchcontainer/api";
import { legibleLine } from "@pouchcontainer/errors";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { inPath } from "../../for-each-name.ts";

const letters = ["C", "A", "D"];

export const command = defineCommand({
  usage: "CONTAINER",
  args: exactArgs(1),
  flags: {},
  examples: [{ does: "What was changed (C), added (A) and deleted (D) since it was created", run: "pouch diff web" }],
  async run(context, { args }) {
    const engine = await context.engine();
    const changes = await engine.getJson<FilesystemChange[] | null>(`/containers/${inPath(argument(args, 0))}/changes`);
    context.out.write((changes ?? []).map((change) => `${letters[change.Kind]} ${legibleLine(change.Path)}\n`).join(""));
  },
});
