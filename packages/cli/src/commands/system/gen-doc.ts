import { defineCommand, noArgs } from "../../command.ts";
import { commandReference } from "../../command-reference.ts";

export const command = defineCommand({
  usage: "",
  args: noArgs,
  flags: {},
  examples: [{ does: "The reference of all commands as Markdown", run: "pouch gen-doc > docs/cli.md" }],
  async run(context, { commands }) {
    context.out.write(await commandReference(commands));
  },
});
