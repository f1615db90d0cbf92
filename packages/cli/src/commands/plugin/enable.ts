import { changePlugin } from "../../change-plugin.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { int } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  args: exactArgs(1),
  flags: { timeout: int("Seconds to wait until the plugin answers", { min: 0, shownDefault: "30" }) },
  examples: [{ does: "Call it again from now on", run: "pouch plugin enable legacy-env" }],
  async run(context, { flags, args }) {
    const name = argument(args, 0);
    const query = { timeout: flags.timeout ?? 30 };
    const path = `/plugins/${inPath(name)}/enable`;
    await changePlugin(context, name, (engine, signal) => engine.postAndForget(path, { query, signal }));
    context.out.write(`${name}\n`);
  },
});
